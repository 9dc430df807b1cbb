//! Copies the files of a cluster that is not running, without following symbolic links.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, fchown};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, mkdirat, openat, statat};

use super::manifest::{FileEntry, Manifest};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// `NONBLOCK` keeps the call from waiting for the other end of a named pipe.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const CREATE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Files that PostgreSQL writes for one run, or removes when it starts.
const SKIPPED: [&str; 3] = ["postmaster.pid", "postmaster.opts", "pg_internal.init"];
/// A file of this size may have zeros at its end that need not be copied: a segment of the write-ahead log.
const MIN_SIZE_WITH_ZEROS: u64 = 1 << 20;
/// The size of a buffer. Most files fit into one.
const BUFFER_BYTES: usize = 128 << 10;

/// Lists the directories and files of a data directory.
///
/// # Errors
/// Returns an error when a file cannot be read, and for symbolic links, files with several names and other special
/// files, which a cluster made by `initdb` does not have.
pub fn scan(data: impl AsFd) -> io::Result<Manifest> {
    let mut manifest = Manifest::default();
    scan_directory(data.as_fd(), "", &mut manifest)?;
    Ok(manifest)
}

fn scan_directory(directory: BorrowedFd<'_>, path: &str, manifest: &mut Manifest) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_str().map_err(|_| special(path))?;
        if matches!(name, "." | "..") || SKIPPED.contains(&name) {
            continue;
        }
        let child = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let found = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                manifest.directories.push(child.clone());
                scan_directory(openat(directory, name, DIRECTORY, Mode::empty())?.as_fd(), &child, manifest)?;
            }
            FileType::RegularFile => {
                let file = File::from(openat(directory, name, READ, Mode::empty())?);
                let (directory, name) = (path.to_owned(), name.to_owned());
                let size = file.metadata()?.len();
                manifest.files.push(FileEntry { directory, name, size, data: data_size(&file, size)? });
            }
            _ => return Err(special(&child)),
        }
    }
    Ok(())
}

/// Returns the number of bytes until the last one that is not zero, rounded up to a whole buffer.
fn data_size(file: &File, size: u64) -> io::Result<u64> {
    if size < MIN_SIZE_WITH_ZEROS {
        return Ok(size);
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut end = size;
    while end > 0 {
        let start = (end - 1) / BUFFER_BYTES as u64 * BUFFER_BYTES as u64;
        let part = &mut buffer[..usize::try_from(end - start).unwrap_or(BUFFER_BYTES)];
        file.read_exact_at(part, start)?;
        if part.iter().any(|byte| *byte != 0) {
            break;
        }
        end = start;
    }
    Ok(end)
}

/// Copies what the manifest lists to an empty directory. The copies belong to `owner`, a user ID and a group ID, and
/// only that user can use them; `None` is the current user. The target directory itself is left as it is.
///
/// # Errors
/// Returns an error when a file is missing, has another size than in the manifest, or cannot be copied.
pub fn copy(
    from: impl AsFd,
    to: impl AsFd,
    manifest: &Manifest,
    owner: Option<(u32, u32)>,
    keeps_zeros: bool,
) -> io::Result<()> {
    let mut directories: HashMap<&str, (OwnedFd, OwnedFd)> = HashMap::new();
    directories.insert("", (from.as_fd().try_clone_to_owned()?, to.as_fd().try_clone_to_owned()?));
    for path in &manifest.directories {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (source, target) = directories.get(parent).ok_or_else(|| special(path))?;
        let source = openat(source, name, DIRECTORY, Mode::empty())?;
        mkdirat(target, name, Mode::RWXU)?;
        let target = openat(target, name, DIRECTORY, Mode::empty())?;
        directories.insert(path, (source, target));
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    for file in &manifest.files {
        let (source, target) = directories.get(&*file.directory).ok_or_else(|| special(&file.directory))?;
        copy_file(source.as_fd(), target.as_fd(), file, owner, keeps_zeros, &mut buffer)?;
    }
    // Change the owner of the directories last, so that no other user can change them while files are copied.
    for (path, (_, target)) in &directories {
        if let Some((user, group)) = owner.filter(|_| !path.is_empty()) {
            fchown(target, Some(user), Some(group))?;
        }
    }
    Ok(())
}

fn copy_file(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    entry: &FileEntry,
    owner: Option<(u32, u32)>,
    keeps_zeros: bool,
    buffer: &mut [u8],
) -> io::Result<()> {
    let FileEntry { name, size, data, .. } = entry;
    let mut source = File::from(openat(from, &**name, READ, Mode::empty())?);
    let found = source.metadata()?;
    // A file with several names may be a file of another directory.
    if !found.is_file() || found.nlink() != 1 || found.len() != *size {
        return Err(special(name));
    }
    let mut target = File::from(openat(to, &**name, CREATE, Mode::RUSR | Mode::WUSR)?);
    let mut remaining = if keeps_zeros { *size } else { *data };
    while remaining > 0 {
        let length = usize::try_from(remaining).unwrap_or(usize::MAX).min(buffer.len());
        source.read_exact(&mut buffer[..length])?;
        target.write_all(&buffer[..length])?;
        remaining -= length as u64;
    }
    if !keeps_zeros && data < size {
        target.set_len(*size)?;
    }
    if let Some((user, group)) = owner {
        fchown(&target, Some(user), Some(group))?;
    }
    Ok(())
}

/// Returns the error for a file that a template cannot contain.
fn special(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not the expected file"))
}
