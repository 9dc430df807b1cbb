//! Directories and files of the data, opened without following symbolic links.
//!
//! The emulator may run as root in a directory to which other users have access. A symbolic link of another user must not lead it to
//! files outside of the data, so names are resolved relative to open directories, and owners and modes are changed through open
//! files.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, open, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::ClusterError;
use super::user::RunAs;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// `NONBLOCK` keeps the call from waiting for the other end of a named pipe.
const FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::APPEND)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// The mode bit of a directory in which users share files, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// An open directory of the data.
#[derive(Debug)]
pub struct OpenDirectory {
    path: PathBuf,
    file: File,
}

impl AsFd for OpenDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl OpenDirectory {
    /// Opens the data directory, and creates it if it does not exist. `path` may be a symbolic link of the current user or of root.
    pub fn root(path: &Path) -> Result<Self, ClusterError> {
        // Without a slash at the end, so that a link is not followed before it is checked.
        let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() && !is_trusted(found.uid()) => {
                return Err(ClusterError::ForeignLink { path, owner: found.uid() });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_with_parents(&path)?,
            _ => {}
        }
        let path = fs::canonicalize(&path).map_err(ClusterError::at(&path))?;
        let file = open(&path, DIRECTORY, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR => ClusterError::NotDirectory { path: path.clone() },
            error => ClusterError::at(&path)(error.into()),
        })?;
        Ok(Self { file: file.into(), path })
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether only the current user or root may change what is in the directory.
    pub fn is_protected(&self) -> bool {
        self.file.metadata().is_ok_and(|found| is_trusted(found.uid()) && found.mode() & 0o022 == 0)
    }

    /// Returns the user ID and group ID of the owner of a directory in this one; `None` when there is no directory with that name.
    pub fn owner_of(&self, name: &str) -> Option<(u32, u32)> {
        let found = statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        FileType::from_raw_mode(found.st_mode).is_dir().then_some((found.st_uid, found.st_gid))
    }

    /// Returns whether the directory contains `name`.
    pub fn contains(&self, name: &str) -> bool {
        statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Creates a directory in this one that only its owner can use, and opens it.
    pub fn create(&self, name: &str) -> Result<Self, ClusterError> {
        let path = self.path.join(name);
        mkdirat(&self.file, name, Mode::RWXU).map_err(|error| ClusterError::at(&path)(error.into()))?;
        self.directory(name)
    }

    /// Opens a directory in this one.
    pub fn directory(&self, name: &str) -> Result<Self, ClusterError> {
        let path = self.path.join(name);
        match openat(&self.file, name, DIRECTORY, Mode::empty()) {
            Ok(file) => Ok(Self { file: file.into(), path }),
            Err(error) => Err(self.explain(name, path, error)),
        }
    }

    /// Opens a file in this directory for appending, and creates it if it does not exist. Only its owner can read it afterwards.
    pub fn append(&self, name: &str, run_as: RunAs) -> Result<File, ClusterError> {
        let path = self.path.join(name);
        let file: File = match openat(&self.file, name, FILE, Mode::RUSR | Mode::WUSR) {
            Ok(file) => file.into(),
            Err(error) => return Err(self.explain(name, path, error)),
        };
        let found = file.metadata().map_err(ClusterError::at(&path))?;
        // A file with several names may be a file of another directory.
        if !found.is_file() || found.nlink() != 1 {
            return Err(ClusterError::NotFile { path });
        }
        if !run_as.may_own(found.uid()) {
            return Err(ClusterError::ForeignOwner { path, owner: found.uid(), wanted: geteuid().as_raw() });
        }
        set_mode(&file, &path, found.mode(), 0o600)?;
        Ok(file)
    }

    /// Opens a file in this directory for reading.
    pub fn read(&self, name: &str) -> Result<File, ClusterError> {
        let path = self.path.join(name);
        let file: File = match openat(&self.file, name, READ, Mode::empty()) {
            Ok(file) => file.into(),
            Err(error) => return Err(self.explain(name, path, error)),
        };
        let found = file.metadata().map_err(ClusterError::at(&path))?;
        if found.is_file() && found.nlink() == 1 { Ok(file) } else { Err(ClusterError::NotFile { path }) }
    }

    /// Removes a file of this directory, if it exists.
    pub fn remove(&self, name: &str) {
        let _ = unlinkat(&self.file, name, AtFlags::empty());
    }

    /// Renames a file or directory of this directory.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), ClusterError> {
        renameat(&self.file, from, &self.file, to).map_err(|error| ClusterError::at(&self.path.join(to))(error.into()))
    }

    /// Checks the data directory itself: it must belong to the current user, to the user of PostgreSQL or to root.
    pub fn check_root(&self, run_as: RunAs) -> Result<(), ClusterError> {
        let found = self.file.metadata().map_err(ClusterError::at(&self.path))?;
        if found.mode() & STICKY != 0 {
            return Err(ClusterError::SharedDirectory { directory: self.path.clone() });
        }
        if run_as.may_own(found.uid()) || is_trusted(found.uid()) {
            return Ok(());
        }
        let (path, wanted) = (self.path.clone(), geteuid().as_raw());
        Err(ClusterError::ForeignOwner { path, owner: found.uid(), wanted })
    }

    /// Takes the permissions on the data directory from other users than the current one and that of PostgreSQL. A directory that
    /// root gave to the current user is left as it is.
    pub fn close_root(&self, run_as: RunAs) -> Result<(), ClusterError> {
        let found = self.file.metadata().map_err(ClusterError::at(&self.path))?;
        if !run_as.may_own(found.uid()) {
            return Ok(());
        }
        // PostgreSQL may run as another user, which needs execute permission to reach its own subdirectories.
        let group = run_as.group().filter(|_| found.uid() != run_as.user());
        if let Some(group) = group.filter(|&group| group != found.gid()) {
            fchown(&self.file, None, Some(group)).map_err(ClusterError::at(&self.path))?;
        }
        set_mode(&self.file, &self.path, found.mode(), if group.is_some() { 0o710 } else { 0o700 })
    }

    /// Gives the directory to the user of PostgreSQL, and takes all permissions from other users. It must belong to that user or
    /// to the current one.
    pub fn own(&self, run_as: RunAs) -> Result<(), ClusterError> {
        let found = self.file.metadata().map_err(ClusterError::at(&self.path))?;
        if !run_as.may_own(found.uid()) {
            let (path, wanted) = (self.path.clone(), run_as.user());
            return Err(ClusterError::ForeignOwner { path, owner: found.uid(), wanted });
        }
        if let Some((user, group)) = run_as.ids().filter(|&ids| ids != (found.uid(), found.gid())) {
            fchown(&self.file, Some(user), Some(group)).map_err(ClusterError::at(&self.path))?;
        }
        set_mode(&self.file, &self.path, found.mode(), 0o700)
    }

    /// Returns the error for a name that could not be opened.
    fn explain(&self, name: &str, path: PathBuf, error: Errno) -> ClusterError {
        let found = statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW);
        match found.map(|found| FileType::from_raw_mode(found.st_mode)) {
            Ok(FileType::Symlink) => ClusterError::Link { path },
            Ok(_) if error == Errno::NOTDIR => ClusterError::NotDirectory { path },
            Ok(kind) if matches!(error, Errno::ISDIR | Errno::NXIO) && kind != FileType::RegularFile => {
                ClusterError::NotFile { path }
            }
            _ => ClusterError::at(&path)(error.into()),
        }
    }
}

/// Returns whether a symbolic link of this user may be followed: one of the current user or of root.
fn is_trusted(user: u32) -> bool {
    user == 0 || user == geteuid().as_raw()
}

/// Creates a directory and its missing parents. Below the directories that root creates, PostgreSQL runs as another user.
fn create_with_parents(path: &Path) -> Result<(), ClusterError> {
    let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(mode).create(parent).map_err(ClusterError::at(parent))?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map_err(ClusterError::at(path)),
    }
}

/// Sets the mode of an open file, unless it has that mode.
fn set_mode(file: &File, path: &Path, present: u32, mode: u32) -> Result<(), ClusterError> {
    if present & 0o7777 == mode {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode)).map_err(ClusterError::at(path))
}
