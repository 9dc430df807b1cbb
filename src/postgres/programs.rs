//! Where the programs of PostgreSQL come from: a directory that the user chose, what is installed, or a copy that was fetched. Programs
//! that PostgreSQL's user cannot reach are copied.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::directory::Directory;
use super::error::ClusterError;
use super::find::{self, Installation};
use super::release::Release;
use super::user::RunAs;
use crate::domain::error_text::io_reason;

/// Where the programs of PostgreSQL are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// The only directory that is searched; `None` for `PATH`, `pg_config`, the usual directories, and then the fetched copy.
    pub directory: Option<PathBuf>,
    /// Ignores what is installed on the machine, for tests of the fetched copy.
    pub ignore_installed: bool,
    /// The directory for copies: of programs that PostgreSQL's user cannot reach, and fetched ones; `None` makes no copies.
    pub copies: Option<PathBuf>,
    /// The release that is fetched, or was fetched earlier.
    pub release: Release,
    /// Where the release is fetched from; `None` fetches nothing.
    pub source: Option<Source>,
}

/// Where PostgreSQL is fetched from.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The URL of the releases, without a slash at the end. It may contain a password, so it is not printed.
    pub base_url: String,
    /// Whether the progress is shown on standard error.
    pub shows_progress: bool,
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Source").field("shows_progress", &self.shows_progress).finish_non_exhaustive()
    }
}

impl Default for Source {
    fn default() -> Self {
        Self { base_url: Self::BASE_URL.to_owned(), shows_progress: false }
    }
}

impl Source {
    /// The URL of the releases of [`Release`].
    pub const BASE_URL: &str = "https://github.com/theseus-rs/postgresql-binaries/releases/download";
}

impl Programs {
    /// Finds the newest installation, or the one that made the data of `directory`, whose major version is `major`. The fetched copy is
    /// used only where no installation can be. The result can be used by PostgreSQL's user: programs in the home directory of root, for
    /// example, are copied.
    ///
    /// # Errors
    /// Returns an error when no supported installation is found, or when it cannot be copied.
    pub fn find(&self, major: Option<&str>, directory: &Directory) -> Result<Installation, ClusterError> {
        self.usable(self.locate(major, directory.root())?, directory)
    }

    /// Finds the newest installation, or one with the version `major`. `directory` is named in the error.
    pub(super) fn locate(&self, major: Option<&str>, directory: &Path) -> Result<Installation, ClusterError> {
        match &self.directory {
            Some(programs) => find::find_in(programs, major, directory),
            None => self.search(major, directory),
        }
    }

    /// Returns an installation that PostgreSQL's user can use: this one, or a copy of it.
    pub(super) fn usable(
        &self,
        installation: Installation,
        directory: &Directory,
    ) -> Result<Installation, ClusterError> {
        if !directory.run_as().is_other_user() || is_accessible(&installation.program("postgres"), directory.run_as()) {
            return Ok(installation);
        }
        let copy = self.copy(&installation).map_err(|error| ClusterError::ClosedPrograms {
            directory: installation.directory.clone(),
            error: io_reason(&error),
        })?;
        Ok(Installation { directory: copy, ..installation })
    }

    fn search(&self, major: Option<&str>, directory: &Path) -> Result<Installation, ClusterError> {
        let installed = if self.ignore_installed { BTreeSet::new() } else { find::installations() };
        find::select(installed, major, directory).or_else(|error| {
            let fetched = self.is_solved_by_fetching(&error).then(|| self.fetched()).flatten();
            fetched.ok_or(error)
        })
    }

    /// Returns whether programs of the release are what is missing.
    #[must_use]
    pub fn is_solved_by_fetching(&self, error: &ClusterError) -> bool {
        let is_missing = match error {
            ClusterError::NotFound { .. } => true,
            ClusterError::OtherVersion { wanted, .. } => wanted == self.release.major(),
            _ => false,
        };
        is_missing && self.directory.is_none()
    }

    /// Returns the fetched copy, if it is there and complete.
    pub(super) fn fetched(&self) -> Option<Installation> {
        let copy = self.copies.as_ref()?.join(self.release.name()?);
        let found = fs::symlink_metadata(&copy).ok()?;
        let installation = is_trusted(&found).then(|| find::installation_in(&copy.join("bin"))).flatten()?;
        (installation.major.to_string() == self.release.major()).then_some(installation)
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
            create_copies(copies)?;
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

/// Creates the directory for copies, if it does not exist. PostgreSQL's user must be able to enter it, whatever the umask is.
///
/// # Errors
/// Returns an error when the directory cannot be created, or belongs to another user, who could change the programs.
pub(super) fn create_copies(copies: &Path) -> io::Result<()> {
    if let Ok(found) = fs::metadata(copies) {
        return if is_trusted(&found) { Ok(()) } else { Err(io::Error::other("it belongs to another user")) };
    }
    fs::create_dir_all(copies)?;
    let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
    fs::set_permissions(copies, PermissionsExt::from_mode(mode))
}

/// Returns whether the current user or root owns the directory.
fn is_trusted(directory: &Metadata) -> bool {
    directory.is_dir() && (directory.uid() == 0 || directory.uid() == geteuid().as_raw())
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
