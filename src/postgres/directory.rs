//! The directory of a private cluster, and the lock that marks it as in use.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::error::ClusterError;
use super::open_directory::OpenDirectory;
use super::orphan;
use super::user::RunAs;

/// Name of the locked file.
const LOCK: &str = "lock";
/// Name of PostgreSQL's data directory.
const DATA: &str = "postgres";
/// Name prefix of a data directory that is not complete. The ID of the process follows.
const NEW_DATA_PREFIX: &str = "postgres.new-";
/// Name of the directory of PostgreSQL's socket.
const SOCKETS: &str = "run";
/// Name of PostgreSQL's log.
const LOG: &str = "postgres.log";
/// A longer log is cut, and its end is kept.
const MAX_LOG_BYTES: u64 = 1024 * 1024;
const KEPT_LOG_BYTES: usize = 64 * 1024;
/// Names in a data directory that are no sign of another use: that of a file system's own directory, and that of the authority for TLS,
/// which may be created before the cluster.
const OTHER_NAMES: [&str; 2] = ["lost+found", TLS];
/// Name of the directory of the authority for TLS.
const TLS: &str = "tls";
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
    root: Arc<OpenDirectory>,
    sockets: PathBuf,
    run_as: RunAs,
    /// Directories that are deleted with this value.
    temporary: Vec<TempDir>,
    _lock: File,
}

impl Directory {
    /// Opens a persistent directory, and creates it if it does not exist.
    pub fn persistent(root: &Path) -> Result<Self, ClusterError> {
        let root = OpenDirectory::root(root)?;
        let run_as = RunAs::choose(root.owner_of(DATA))?;
        let mut entries = fs::read_dir(root.path()).map_err(ClusterError::at(root.path()))?.flatten();
        let is_empty = entries.all(|entry| OTHER_NAMES.iter().any(|name| entry.file_name() == *name));
        if !is_empty && !root.contains(LOCK) {
            return Err(ClusterError::Foreign { directory: root.path().to_owned() });
        }
        Self::lock(root, Vec::new(), run_as)
    }

    /// Creates a temporary directory, which is deleted with the returned value.
    pub fn ephemeral() -> Result<Self, ClusterError> {
        let temporary = temporary(EPHEMERAL_PREFIX)?;
        let root = OpenDirectory::root(temporary.path())?;
        Self::lock(root, vec![temporary], RunAs::choose(None)?)
    }

    fn lock(root: OpenDirectory, mut temporary_directories: Vec<TempDir>, run_as: RunAs) -> Result<Self, ClusterError> {
        root.check_root(run_as)?;
        let lock = root.append(LOCK, run_as)?;
        root.close_root(run_as)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClusterError::InUse { directory: root.path().to_owned() }),
            Err(TryLockError::Error(error)) => return Err(ClusterError::at(&root.path().join(LOCK))(error)),
        }
        let mut sockets = root.path().join(SOCKETS);
        if sockets.as_os_str().len() > MAX_SOCKET_DIRECTORY_BYTES {
            let directory = temporary("voucherify-emulator-run-")?;
            directory.path().clone_into(&mut sockets);
            temporary_directories.push(directory);
            OpenDirectory::root(&sockets)?.own(run_as)?;
        } else {
            let directory = if root.contains(SOCKETS) { root.directory(SOCKETS) } else { root.create(SOCKETS) };
            directory?.own(run_as)?;
        }
        if root.contains(DATA) {
            root.directory(DATA)?.own(run_as)?;
        }
        Ok(Self { root: Arc::new(root), sockets, run_as, temporary: temporary_directories, _lock: lock })
    }

    /// Creates a directory with a temporary name for a new cluster. The caller gives it to the user of PostgreSQL, and
    /// [`Directory::complete`] renames it to the final name.
    pub fn create_data(&self) -> Result<OpenDirectory, ClusterError> {
        let entries = fs::read_dir(self.root()).map_err(ClusterError::at(self.root()))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(NEW_DATA_PREFIX) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        self.root.create(&new_data())
    }

    /// Removes the data of a cluster that does not start.
    pub fn remove_data(&self) -> Result<(), ClusterError> {
        fs::remove_dir_all(self.data()).map_err(ClusterError::at(&self.data()))
    }

    /// Opens PostgreSQL's data directory.
    pub fn open_data(&self) -> Result<OpenDirectory, ClusterError> {
        self.root.directory(DATA)
    }

    /// Gives a new cluster its final name.
    pub fn complete(&self) -> Result<(), ClusterError> {
        self.root.rename(&new_data(), DATA)
    }

    /// Returns the user that PostgreSQL runs as.
    pub fn run_as(&self) -> RunAs {
        self.run_as
    }

    /// Returns PostgreSQL's data directory.
    pub fn data(&self) -> PathBuf {
        self.root().join(DATA)
    }

    /// Returns the path of the directory itself.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns the directory of PostgreSQL's socket.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// Returns PostgreSQL's log.
    pub fn log(&self) -> Log {
        Log { directory: Arc::clone(&self.root), run_as: self.run_as }
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

/// Opens the directory for the authority of TLS in the data directory `root`, and creates it if it does not exist. Only the current user
/// can use it. Returns its path.
///
/// # Errors
/// Returns an error when a directory cannot be created, or belongs to another user.
pub fn tls_directory(root: &Path) -> Result<PathBuf, ClusterError> {
    let root = OpenDirectory::root(root)?;
    // As root without a user for PostgreSQL, the database is elsewhere.
    root.check_root(RunAs::choose(root.owner_of(DATA)).unwrap_or(RunAs::CURRENT))?;
    let directory = match root.create(TLS) {
        Err(_) if root.contains(TLS) => root.directory(TLS)?,
        created => created?,
    };
    directory.own(RunAs::CURRENT)?;
    Ok(directory.path().to_owned())
}

/// PostgreSQL's log. Only its owner can read it.
#[derive(Clone, Debug)]
pub struct Log {
    directory: Arc<OpenDirectory>,
    run_as: RunAs,
}

impl Log {
    /// Opens the log for appending, and creates it if it does not exist.
    pub fn open(&self) -> Result<File, ClusterError> {
        self.directory.append(LOG, self.run_as)
    }

    /// Returns the text of the log.
    pub fn text(&self) -> String {
        // A log that was cut may begin in the middle of a character.
        fs::read(self.directory.path().join(LOG))
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    /// Keeps only the end of a log that has become long. PostgreSQL, which appends to the file, continues after it.
    pub fn cut(&self) {
        let path = self.directory.path().join(LOG);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES)
            && let (Ok(text), Ok(mut log)) = (fs::read(&path), self.open())
        {
            let kept = text.len().saturating_sub(KEPT_LOG_BYTES);
            // On a full disk, nothing of it can be kept.
            let _ = log.set_len(0).and_then(|()| log.write_all(&text[kept..]));
        }
    }

    /// Returns the last message with which PostgreSQL, or a process of it, has ended.
    pub fn last_failure(&self) -> Option<String> {
        // A connection that is refused during the start ends with such a message, too.
        let is_refusal = |line: &str| line.contains("the database system is");
        let is_end = |line: &&str| (line.contains("PANIC:") || line.contains("FATAL:")) && !is_refusal(line);
        self.text().lines().rfind(is_end).map(str::to_owned)
    }

    /// Removes the log.
    pub fn remove(&self) {
        self.directory.remove(LOG);
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
        if !is_old || !is_ours || !path.join(LOCK).exists() {
            continue;
        }
        // The lock is held until the directory is deleted.
        let lock = OpenDirectory::root(&path).and_then(|root| root.append(LOCK, RunAs::CURRENT));
        let Ok(lock) = lock else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        orphan::stop(&path.join(DATA));
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!("removed the directory of a killed emulator"),
            Err(error) => tracing::debug!(%error, "failed to remove the directory of a killed emulator"),
        }
    }
}

fn temporary(prefix: &str) -> Result<TempDir, ClusterError> {
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(ClusterError::at(&std::env::temp_dir()))
}

/// Returns the name of a new cluster that is not complete.
fn new_data() -> String {
    format!("{NEW_DATA_PREFIX}{}", std::process::id())
}
