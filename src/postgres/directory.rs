//! The directory of a private cluster, and the lock that marks it as in use.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::error::ClusterError;
use super::open_directory::OpenDirectory;
use super::orphan;
use super::sockets;
use super::user::RunAs;

/// Name of the locked file.
const LOCK: &str = "lock";
/// Name of PostgreSQL's data directory.
pub const DATA: &str = "postgres";
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
/// Name prefix of the data directory of one major version of PostgreSQL in the default data directory.
pub const VERSION_PREFIX: &str = "postgresql-";
/// Bytes of the file with the version that are read.
const MAX_VERSION_BYTES: u64 = 16;
/// Name prefix of the directories of ephemeral clusters. It identifies those that a killed emulator left behind.
const EPHEMERAL_PREFIX: &str = "voucherify-emulator-ephemeral-";
/// Minimum age of an abandoned directory. A younger one may belong to an emulator that has not locked it yet.
const MIN_ABANDONED_AGE: Duration = Duration::from_mins(1);

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
        let is_empty = entries.all(|entry| is_no_other_use(&entry.file_name()));
        if !is_empty && !root.contains(LOCK) {
            return Err(ClusterError::Foreign { directory: root.path().to_owned() });
        }
        Self::lock(root, Vec::new(), run_as)
    }

    /// Creates a temporary directory, which is deleted with the returned value.
    pub fn ephemeral() -> Result<Self, ClusterError> {
        let temporary = temporary()?;
        let root = OpenDirectory::root(temporary.path())?;
        Self::lock(root, vec![temporary], RunAs::choose(None)?)
    }

    fn lock(root: OpenDirectory, mut temporary_directories: Vec<TempDir>, run_as: RunAs) -> Result<Self, ClusterError> {
        root.check_root(run_as)?;
        if root.path().as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return Err(ClusterError::LineBreak { path: root.path().to_owned() });
        }
        let lock = root.append(LOCK, run_as)?;
        root.close_root(run_as)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClusterError::InUse { directory: root.path().to_owned() }),
            Err(TryLockError::Error(error)) => return Err(ClusterError::at(&root.path().join(LOCK))(error)),
        }
        let mut socket_directory = root.path().join(SOCKETS);
        if sockets::fits(&socket_directory) {
            let directory = if root.contains(SOCKETS) { root.directory(SOCKETS) } else { root.create(SOCKETS) };
            directory?.own(run_as)?;
        } else {
            let directory = sockets::create()?;
            directory.path().clone_into(&mut socket_directory);
            temporary_directories.push(directory);
            OpenDirectory::root(&socket_directory)?.own(run_as)?;
        }
        if root.contains(DATA) {
            root.directory(DATA)?.own(run_as)?;
        }
        let (root, sockets) = (Arc::new(root), socket_directory);
        Ok(Self { root, sockets, run_as, temporary: temporary_directories, _lock: lock })
    }

    /// Returns the major version of PostgreSQL that made the data; `None` when there is no data.
    ///
    /// # Errors
    /// Returns an error when there is a data directory without a version.
    pub fn version(&self) -> Result<Option<String>, ClusterError> {
        if !self.root.contains(DATA) {
            return Ok(None);
        }
        let path = self.data();
        let is_empty = fs::read_dir(&path).map_err(ClusterError::at(&path))?.next().is_none();
        if is_empty {
            // A new cluster replaces an empty directory.
            return Ok(None);
        }
        version_of(&self.open_data()?).map(Some).ok_or(ClusterError::NotData { path })
    }

    /// Removes what a killed PostgreSQL left in the directory of its socket. The number of its process, which is written there, may belong
    /// to another process by now, and PostgreSQL would then refuse to start.
    pub fn remove_stale_sockets(&self) {
        for name in [".s.PGSQL.5432", ".s.PGSQL.5432.lock"] {
            let _ = fs::remove_file(self.sockets.join(name));
        }
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

    /// Returns whether the directory is deleted with this value.
    pub fn is_ephemeral(&self) -> bool {
        self.temporary.iter().any(|temporary| temporary.path() == self.root())
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
        // A log that was cut may begin in the middle of a character, and paths in it may be in another encoding.
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
        if orphan::stop(&path.join(DATA)).is_err() {
            continue;
        }
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!("removed the directory of a killed emulator"),
            Err(error) => tracing::debug!(%error, "failed to remove the directory of a killed emulator"),
        }
    }
}

/// Creates the directory of an ephemeral cluster.
fn temporary() -> Result<TempDir, ClusterError> {
    let parent = std::env::temp_dir();
    let parent = fs::canonicalize(&parent).map_err(|error| ClusterError::temporary(&parent, &error))?;
    let created = tempfile::Builder::new().prefix(EPHEMERAL_PREFIX).tempdir_in(&parent);
    created.map_err(|error| ClusterError::temporary(&parent, &error))
}

/// Returns the version in the file `PG_VERSION` of a data directory, if it is a number.
pub fn version_of(data: &OpenDirectory) -> Option<String> {
    let mut text = String::new();
    data.read("PG_VERSION").ok()?.take(MAX_VERSION_BYTES).read_to_string(&mut text).ok()?;
    let version = text.trim();
    (!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())).then(|| version.to_owned())
}

/// Returns whether a name in a data directory is no sign of another use.
fn is_no_other_use(name: &OsStr) -> bool {
    OTHER_NAMES.iter().any(|other| name == *other) || name.to_string_lossy().starts_with(VERSION_PREFIX)
}

/// Returns the name of a new cluster that is not complete.
fn new_data() -> String {
    format!("{NEW_DATA_PREFIX}{}", std::process::id())
}
