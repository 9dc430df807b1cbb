//! The default data directory. It has a data directory for each major version of PostgreSQL, so that installations with different
//! versions, of which each finds other programs, do not use each other's data.

use std::fs;
use std::path::{Path, PathBuf};

use super::directory::{DATA, VERSION_PREFIX, version_of};
use super::error::ClusterError;
use super::find::Installation;
use super::open_directory::OpenDirectory;
use super::programs::Programs;
use super::user::RunAs;

/// A data directory, and the programs for it.
#[derive(Debug)]
pub struct Chosen {
    pub root: PathBuf,
    pub installation: Installation,
}

/// A data directory that has data.
#[derive(Debug, PartialEq, Eq)]
struct Existing {
    major: u32,
    root: PathBuf,
}

/// Chooses the newest data for which there are programs, and else a new directory for the newest programs. Data directly in `parent`,
/// where earlier versions of the emulator stored it, counts as that of its version.
///
/// # Errors
/// Returns an error when no programs are found, or the directory cannot be used.
pub fn choose(parent: &Path, programs: &Programs) -> Result<Chosen, ClusterError> {
    let directory = OpenDirectory::root(parent)?;
    let existing = existing(&directory);
    let usable = existing.iter().find_map(|data| {
        let installation = programs.locate(Some(&data.major.to_string()), &data.root).ok()?;
        Some(Chosen { root: data.root.clone(), installation })
    });
    let chosen = if let Some(usable) = usable {
        usable
    } else {
        let installation = programs.locate(None, directory.path())?;
        for data in &existing {
            tracing::warn!(
                directory = %data.root.display(),
                "the data of PostgreSQL {} is not used, because only PostgreSQL {} is found. The emulator uses a directory of its own for \
                 each version",
                data.major,
                installation.major
            );
        }
        Chosen { root: directory.path().join(format!("{VERSION_PREFIX}{}", installation.major)), installation }
    };
    if let Some(name) =
        chosen.root.strip_prefix(directory.path()).ok().and_then(Path::to_str).filter(|name| !name.is_empty())
    {
        let owner = directory.directory(name).ok().and_then(|data| data.owner_of(DATA));
        let run_as = RunAs::choose(owner)?;
        directory.check_root(run_as)?;
        // PostgreSQL's user must be able to enter it.
        directory.close_root(run_as)?;
    }
    Ok(chosen)
}

/// Returns the data directories that have data, those of the newest version first.
fn existing(directory: &OpenDirectory) -> Vec<Existing> {
    let mut found: Vec<_> =
        major_of(directory).map(|major| Existing { major, root: directory.path().to_owned() }).into_iter().collect();
    for entry in fs::read_dir(directory.path()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(VERSION_PREFIX)) else { continue };
        if let Ok(data) = directory.directory(name)
            && let Some(major) = major_of(&data)
        {
            found.push(Existing { major, root: data.path().to_owned() });
        }
    }
    found.sort_by(|one, other| other.major.cmp(&one.major).then_with(|| one.root.cmp(&other.root)));
    found
}

/// Returns the major version of the data in a data directory, if it has any.
fn major_of(directory: &OpenDirectory) -> Option<u32> {
    version_of(&directory.directory(DATA).ok()?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, version: &str) {
        fs::create_dir_all(path.join(DATA)).unwrap();
        fs::write(path.join(DATA).join("PG_VERSION"), version).unwrap();
    }

    #[test]
    fn data_of_the_newest_version_comes_first_and_other_directories_are_no_data() {
        let parent = tempfile::tempdir().unwrap();
        let directory = OpenDirectory::root(parent.path()).unwrap();
        assert_eq!(existing(&directory), []);
        write(parent.path(), "15\n");
        for (name, version) in
            [("postgresql-17", "17\n"), ("postgresql-9", "x"), ("postgresql-16", "16\n"), ("tls", "18\n")]
        {
            write(&parent.path().join(name), version);
        }
        fs::create_dir(parent.path().join("postgresql-18")).unwrap();
        let found: Vec<_> = existing(&directory).into_iter().map(|data| (data.major, data.root)).collect();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(
            found,
            [(17, path("postgresql-17")), (16, path("postgresql-16")), (15, directory.path().to_owned())]
        );
    }
}
