//! Where the programs of PostgreSQL come from: a directory that the user chose, or what is installed. Programs that
//! PostgreSQL's user cannot reach are copied.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::error::ClusterError;
use super::find::{self, Installation};
use super::user::RunAs;

/// Where the programs of PostgreSQL are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// The only directory that is searched; `None` for `PATH`, `pg_config` and the usual directories.
    pub directory: Option<PathBuf>,
    /// The directory for copies of programs that PostgreSQL's user cannot reach; `None` makes no copies.
    pub copies: Option<PathBuf>,
}

impl Programs {
    /// Finds the newest installation, or the one that made the data of `directory`, whose major version is `major`. The result can be
    /// used by PostgreSQL's user: programs in the home directory of root, for example, are copied.
    ///
    /// # Errors
    /// Returns an error when no supported installation is found, or when it cannot be copied.
    pub fn find(&self, major: Option<&str>, directory: &Directory) -> Result<Installation, ClusterError> {
        let installation = match &self.directory {
            Some(programs) => find::find_in(programs, major, directory.root())?,
            None => find::find(major, directory.root())?,
        };
        if !directory.run_as().is_other_user() || is_accessible(&installation.program("postgres"), directory.run_as()) {
            return Ok(installation);
        }
        let copy = self.copy(&installation).map_err(|error| ClusterError::ClosedPrograms {
            directory: installation.directory.clone(),
            error: super::error::reason(&error),
        })?;
        Ok(Installation { directory: copy, ..installation })
    }

    /// Copies the installation, if there is no copy yet, and returns the directory of the programs in the copy. PostgreSQL finds its other
    /// files relative to its programs.
    fn copy(&self, installation: &Installation) -> io::Result<PathBuf> {
        let unusable = || io::Error::new(io::ErrorKind::PermissionDenied, "its user has no access to the directory");
        let copies = self.copies.as_deref().ok_or_else(unusable)?;
        let programs = &installation.directory;
        let root = programs.parent().filter(|_| programs.ends_with("bin")).ok_or_else(unusable)?;
        let copy = copies.join(format!("postgresql-{:016x}", identity(installation)?));
        if !copy.exists() {
            fs::create_dir_all(copies)?;
            // Two starts at once make two copies, of which the first one to be complete is used by both.
            let new = tempfile::Builder::new().prefix("postgresql.new-").tempdir_in(copies)?;
            copy_directory(root, new.path())?;
            if let Err(error) = fs::rename(new.path(), &copy)
                && !copy.exists()
            {
                return Err(error);
            }
            tracing::info!(directory = %copy.display(), "copied the programs of PostgreSQL to a directory that its user can read");
        }
        Ok(copy.join("bin"))
    }
}

/// Returns a number that changes when the programs of an installation change.
fn identity(installation: &Installation) -> io::Result<u64> {
    let metadata = fs::metadata(installation.program("postgres"))?;
    let mut hasher = DefaultHasher::new();
    (installation, metadata.len(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
    Ok(hasher.finish())
}

/// Copies a directory with everything in it. Every user may read the copies, and run what the owner of the original may run.
fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            let mode = fs::metadata(&target)?.mode();
            fs::set_permissions(&target, PermissionsExt::from_mode(if mode & 0o100 == 0 { 0o644 } else { 0o755 }))?;
        }
    }
    fs::set_permissions(to, PermissionsExt::from_mode(0o755))
}

/// Returns whether the user may run a program: it may execute the program and enter each directory above it.
fn is_accessible(program: &Path, run_as: RunAs) -> bool {
    program.ancestors().all(|path| fs::metadata(path).is_ok_and(|metadata| may_execute(&metadata, run_as)))
}

fn may_execute(metadata: &Metadata, run_as: RunAs) -> bool {
    let bit = if metadata.uid() == run_as.user() {
        0o100
    } else if run_as.group() == Some(metadata.gid()) {
        0o010
    } else {
        0o001
    };
    metadata.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_links_and_can_be_read_by_every_user() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("lib")).unwrap();
        fs::write(from.path().join("lib/libpq.so.5.18"), "library").unwrap();
        symlink("libpq.so.5.18", from.path().join("lib/libpq.so.5")).unwrap();
        fs::write(from.path().join("postgres"), "program").unwrap();
        for (name, mode) in [("lib/libpq.so.5.18", 0o600), ("postgres", 0o700), ("lib", 0o700)] {
            fs::set_permissions(from.path().join(name), PermissionsExt::from_mode(mode)).unwrap();
        }
        copy_directory(from.path(), to.path()).unwrap();
        let mode = |name: &str| fs::metadata(to.path().join(name)).unwrap().mode() & 0o777;
        assert_eq!([mode("lib"), mode("lib/libpq.so.5.18"), mode("postgres")], [0o755, 0o644, 0o755]);
        assert_eq!(fs::read_link(to.path().join("lib/libpq.so.5")).unwrap(), Path::new("libpq.so.5.18"));
        assert_eq!(fs::read_to_string(to.path().join("lib/libpq.so.5")).unwrap(), "library");
    }

    #[test]
    fn programs_below_a_closed_directory_are_not_accessible_to_other_users() {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("postgres");
        fs::write(&program, "program").unwrap();
        fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        for (mode, expected) in [(0o755, true), (0o700, false)] {
            fs::set_permissions(root.path(), PermissionsExt::from_mode(mode)).unwrap();
            let metadata = fs::metadata(root.path()).unwrap();
            assert_eq!(may_execute(&metadata, RunAs::of(metadata.uid() + 1, metadata.gid() + 1)), expected, "{mode:o}");
            assert!(may_execute(&metadata, RunAs::of(metadata.uid(), metadata.gid())));
        }
    }
}
