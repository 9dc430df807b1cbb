//! Fetches PostgreSQL to the directory for copies, where no suitable one is installed.

mod archive;
mod download;
mod error;
mod progress;

use std::fmt::Write;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::find;
use super::programs::{self, Programs, Source};
use crate::domain::error_text::without_number;
use error::Failure;
use progress::Progress;

pub use error::FetchError;

/// How often it is checked whether another process has fetched PostgreSQL.
const LOCK_INTERVAL: Duration = Duration::from_millis(100);
/// Names of the directories to which an archive is unpacked begin with this.
const NEW_PREFIX: &str = "fetched.new-";

/// Fetches PostgreSQL from `source`, unless another process has just done so. [`Programs::find`] finds it afterwards. When the
/// returned future is dropped, what was downloaded is kept for the next time.
///
/// # Errors
/// Returns an error when the release cannot be downloaded, is damaged, or does not run on this machine.
pub async fn fetch(programs: &Programs, source: &Source) -> Result<(), FetchError> {
    fetch_release(programs, source).await.map_err(|failure| FetchError {
        version: programs.release.version().to_owned(),
        url: without_password(&source.base_url),
        failure,
    })
}

async fn fetch_release(programs: &Programs, source: &Source) -> Result<(), Failure> {
    let copies = programs.copies.as_deref().ok_or(Failure::NoDirectory)?;
    let name = programs.release.name().ok_or(Failure::NoBuild)?;
    programs::create_copies(copies).map_err(Failure::at(copies))?;
    let lock = lock(&copies.join(format!("{name}.lock"))).await?;
    if programs.fetched().is_some() {
        return Ok(());
    }
    remove_abandoned(copies);
    let version = programs.release.version();
    let url = without_password(&source.base_url);
    tracing::info!(
        url,
        directory = %copies.display(),
        "fetching PostgreSQL {version} once, because no suitable one is installed; --no-download forbids this"
    );
    let archive = copies.join(format!("{name}.tar.gz.part"));
    download(source, version, &name, &archive).await?;
    let (copies, programs) = (copies.to_owned(), programs.clone());
    // The closure holds the lock, because it continues when this future is dropped.
    spawn_blocking(move || install(&programs, &archive, &copies, &name, &lock)).await??;
    tracing::info!("fetched PostgreSQL {version}");
    Ok(())
}

/// Waits until no other process fetches the release. The operating system releases the lock when the process ends.
async fn lock(path: &Path) -> Result<File, Failure> {
    let open = OpenOptions::new().create(true).append(true).open(path);
    let file = open.map_err(Failure::at(path))?;
    let mut is_waiting = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Failure::at(path)(error)),
            Err(TryLockError::WouldBlock) if is_waiting => {}
            Err(TryLockError::WouldBlock) => tracing::info!("waiting for another emulator, which fetches PostgreSQL"),
        }
        is_waiting = true;
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
}

/// Downloads the archive, and compares it with its published checksum.
async fn download(source: &Source, version: &str, name: &str, archive: &Path) -> Result<(), Failure> {
    let client = download::client(&source.base_url).await?;
    let url = format!("{}/{version}/{name}.tar.gz", source.base_url);
    let checksum = download::checksum(&client, &format!("{url}.sha256")).await?;
    loop {
        let is_continued = fs::metadata(archive).is_ok_and(|found| found.len() > 0);
        let mut progress = Progress::new(source.shows_progress);
        download::download(&client, &url, archive, &mut progress).await?;
        drop(progress);
        let path = archive.to_owned();
        if spawn_blocking(move || sha256(&path)).await?? == checksum {
            return Ok(());
        }
        fs::remove_file(archive).map_err(Failure::at(archive))?;
        // What an earlier start left may have been of another archive.
        if !is_continued {
            return Err(Failure::WrongChecksum);
        }
    }
}

/// Returns the SHA-256 checksum of a file in lower case.
fn sha256(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path).map_err(Failure::at(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(Failure::at(path))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    let mut hexadecimal = String::new();
    for byte in hasher.finalize() {
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    Ok(hexadecimal)
}

/// Unpacks the archive, checks that its programs run, and gives the copy its name when it is complete.
fn install(programs: &Programs, archive: &Path, copies: &Path, name: &str, _lock: &File) -> Result<(), Failure> {
    let new = tempfile::Builder::new().prefix(NEW_PREFIX).tempdir_in(copies).map_err(Failure::at(copies))?;
    let unpacked = archive::unpack(archive, new.path());
    // The archive has its checksum, so an archive that is unusable would be downloaded unchanged.
    let _ = fs::remove_file(archive);
    unpacked.map_err(|error| Failure::Archive(without_number(&error)))?;
    check(&new.path().join("bin"), programs.release.major())?;
    let copy = copies.join(name);
    if copy.exists() {
        // It was not usable, else it would have been used.
        fs::remove_dir_all(&copy).map_err(Failure::at(&copy))?;
    }
    fs::rename(new.path(), &copy).map_err(Failure::at(&copy))
}

/// Checks that the directory has programs of the major version which run on this machine.
fn check(programs: &Path, major: &str) -> Result<(), Failure> {
    for name in ["postgres", "initdb"] {
        let program = programs.join(name);
        if !program.exists() {
            return Err(Failure::Archive(format!("it has no program `bin/{name}`")));
        }
        match find::print_version(&program) {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Err(Failure::Unusable(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(error) => return Err(Failure::Unusable(without_number(&error))),
        }
    }
    match find::installation_in(programs) {
        Some(found) if found.major.to_string() == major => Ok(()),
        _ => Err(Failure::Archive(format!("its programs are not of PostgreSQL {major}"))),
    }
}

/// Removes directories of processes that were killed while they unpacked an archive. The caller holds the lock.
fn remove_abandoned(copies: &Path) {
    let entries = fs::read_dir(copies).into_iter().flatten().flatten();
    let abandoned = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(NEW_PREFIX));
    for path in abandoned.map(|entry| entry.path()).collect::<Vec<PathBuf>>() {
        let _ = fs::remove_dir_all(path);
    }
}

/// Returns a URL without user and password.
fn without_password(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return String::new() };
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    parsed.to_string().trim_end_matches('/').to_owned()
}
