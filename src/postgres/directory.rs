//! The folder of a private cluster, and the lock that says it is in use.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::user::RunAs;
use super::{ClusterError, orphan};

/// What the folders of ephemeral clusters are called, so that one that a killed emulator left behind is known.
const EPHEMERAL_PREFIX: &str = "voucherify-emulator-ephemeral-";
/// Younger folders may belong to an emulator that has not locked it yet.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);
/// The longest path of a socket that every system takes is 103 bytes.
const SOCKET_FOLDER_BYTES: usize = 103 - "/.s.PGSQL.5432".len();

/// A locked folder with a place for everything. The lock ends with the process, however that ends.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    sockets: PathBuf,
    /// Folders that go with this value.
    temporary: Vec<TempDir>,
    _lock: File,
}

impl Directory {
    /// A folder that is kept. It is made where it does not exist.
    pub fn keep(root: &Path, run_as: RunAs) -> Result<Self, ClusterError> {
        let is_new = !root.exists();
        fs::create_dir_all(root).map_err(ClusterError::at(root))?;
        let root = fs::canonicalize(root).map_err(ClusterError::at(root))?;
        let mut entries = fs::read_dir(&root).map_err(ClusterError::at(&root))?.flatten();
        let is_empty = !entries.any(|entry| entry.file_name() != "lost+found");
        if !is_empty && !root.join("lock").exists() {
            return Err(ClusterError::Foreign { directory: root });
        }
        if is_new || (is_empty && run_as.is_other_user()) {
            // PostgreSQL's user, who may be another, passes through to its own folders, which nobody else reads.
            set_mode(&root, 0o711)?;
        }
        Self::lock(root, Vec::new(), run_as)
    }

    /// A folder that goes with the returned value.
    pub fn ephemeral(run_as: RunAs) -> Result<Self, ClusterError> {
        let temporary = temporary(EPHEMERAL_PREFIX)?;
        let root = fs::canonicalize(temporary.path()).map_err(ClusterError::at(temporary.path()))?;
        set_mode(&root, 0o711)?;
        Self::lock(root, vec![temporary], run_as)
    }

    fn lock(root: PathBuf, mut temporary_folders: Vec<TempDir>, run_as: RunAs) -> Result<Self, ClusterError> {
        let path = root.join("lock");
        let lock = open(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClusterError::InUse { directory: root }),
            Err(TryLockError::Error(error)) => return Err(ClusterError::Io { path, error }),
        }
        let mut sockets = root.join("run");
        if sockets.as_os_str().len() > SOCKET_FOLDER_BYTES {
            let folder = temporary("voucherify-emulator-run-")?;
            folder.path().clone_into(&mut sockets);
            temporary_folders.push(folder);
        } else if !sockets.exists() {
            fs::create_dir(&sockets).map_err(ClusterError::at(&sockets))?;
        }
        run_as.own(&sockets)?;
        set_mode(&sockets, 0o700)?;
        Ok(Self { root, sockets, temporary: temporary_folders, _lock: lock })
    }

    /// Where PostgreSQL's data is.
    pub fn data(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where PostgreSQL's socket is.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// Where PostgreSQL's messages go.
    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    /// Removes what is temporary now, rather than when the value is dropped.
    pub fn clean(&mut self) {
        for folder in self.temporary.drain(..) {
            if let Err(error) = folder.close() {
                tracing::debug!(%error, "a temporary folder stays behind");
            }
        }
    }
}

/// Removes what killed emulators have left behind: their ephemeral folders, and PostgreSQL if it still runs there.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let is_old = metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED_AFTER));
        // A folder that somebody else made says nothing that could be believed.
        let is_ours = metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && name.to_string_lossy().starts_with(EPHEMERAL_PREFIX);
        if !is_old || !is_ours || !path.join("lock").exists() {
            continue;
        }
        // Held until the folder is gone.
        let Ok(lock) = open(&path.join("lock")) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        orphan::stop(&path.join("postgres"));
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!("removed what a killed emulator left behind"),
            Err(error) => tracing::debug!(%error, "an abandoned folder stays behind"),
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
