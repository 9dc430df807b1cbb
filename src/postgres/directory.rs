//! The directory of a private cluster, and the lock that marks it as in use.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::error::ClusterError;
use super::orphan;
use super::user::RunAs;

/// Name prefix of the directories of ephemeral clusters. It identifies those that a killed emulator left behind.
const EPHEMERAL_PREFIX: &str = "voucherify-emulator-ephemeral-";
/// Minimum age of an abandoned directory. A younger one may belong to an emulator that has not locked it yet.
const MIN_ABANDONED_AGE: Duration = Duration::from_mins(1);
/// Bytes of the path of a socket directory. The path of a socket may have 103 bytes on every system.
const MAX_SOCKET_DIRECTORY_BYTES: usize = 103 - "/.s.PGSQL.5432".len();

/// The locked directory of a cluster. The operating system releases the lock when the process exits, even if it is
/// killed.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    sockets: PathBuf,
    /// Directories that are deleted with this value.
    temporary: Vec<TempDir>,
    _lock: File,
}

impl Directory {
    /// Opens a persistent directory, and creates it if it does not exist.
    pub fn persistent(root: &Path, run_as: RunAs) -> Result<Self, ClusterError> {
        let is_new = !root.exists();
        fs::create_dir_all(root).map_err(ClusterError::at(root))?;
        let root = fs::canonicalize(root).map_err(ClusterError::at(root))?;
        let mut entries = fs::read_dir(&root).map_err(ClusterError::at(&root))?.flatten();
        let is_empty = !entries.any(|entry| entry.file_name() != "lost+found");
        if !is_empty && !root.join("lock").exists() {
            return Err(ClusterError::Foreign { directory: root });
        }
        if is_new || (is_empty && run_as.is_other_user()) {
            // PostgreSQL may run as another user, which needs execute permission to reach its own subdirectories.
            set_mode(&root, 0o711)?;
        }
        Self::lock(root, Vec::new(), run_as)
    }

    /// Creates a temporary directory, which is deleted with the returned value.
    pub fn ephemeral(run_as: RunAs) -> Result<Self, ClusterError> {
        let temporary = temporary(EPHEMERAL_PREFIX)?;
        let root = fs::canonicalize(temporary.path()).map_err(ClusterError::at(temporary.path()))?;
        set_mode(&root, 0o711)?;
        Self::lock(root, vec![temporary], run_as)
    }

    fn lock(root: PathBuf, mut temporary_directories: Vec<TempDir>, run_as: RunAs) -> Result<Self, ClusterError> {
        let path = root.join("lock");
        let lock = open(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClusterError::InUse { directory: root }),
            Err(TryLockError::Error(error)) => return Err(ClusterError::Io { path, error }),
        }
        let mut sockets = root.join("run");
        if sockets.as_os_str().len() > MAX_SOCKET_DIRECTORY_BYTES {
            let directory = temporary("voucherify-emulator-run-")?;
            directory.path().clone_into(&mut sockets);
            temporary_directories.push(directory);
        } else if !sockets.exists() {
            fs::create_dir(&sockets).map_err(ClusterError::at(&sockets))?;
        }
        run_as.own(&sockets)?;
        set_mode(&sockets, 0o700)?;
        Ok(Self { root, sockets, temporary: temporary_directories, _lock: lock })
    }

    /// Returns PostgreSQL's data directory.
    pub fn data(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// Returns the path of the directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory of PostgreSQL's socket.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// Returns the path of PostgreSQL's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    /// Deletes the temporary directories now instead of when the value is dropped.
    pub fn clean(&mut self) {
        for directory in self.temporary.drain(..) {
            if let Err(error) = directory.close() {
                tracing::debug!(%error, "failed to remove a temporary directory");
            }
        }
    }
}

/// Removes the ephemeral directories that killed emulators left behind, and stops a PostgreSQL that still runs there.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let is_old = metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > MIN_ABANDONED_AGE));
        // The content of a directory of another user cannot be trusted.
        let is_ours = metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && name.to_string_lossy().starts_with(EPHEMERAL_PREFIX);
        if !is_old || !is_ours || !path.join("lock").exists() {
            continue;
        }
        // The lock is held until the directory is deleted.
        let Ok(lock) = open(&path.join("lock")) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        orphan::stop(&path.join("postgres"));
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!("removed the directory of a killed emulator"),
            Err(error) => tracing::debug!(%error, "failed to remove the directory of a killed emulator"),
        }
    }
}

fn open(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(ClusterError::at(path))
}

fn temporary(prefix: &str) -> Result<TempDir, ClusterError> {
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(ClusterError::at(&std::env::temp_dir()))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ClusterError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(ClusterError::at(path))
}
