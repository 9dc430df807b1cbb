//! Loads the files of the options of an emulator.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::document::line_of;
use super::load::load_spool;
use crate::http::document::Spool;
use crate::http::state::AppState;
use crate::service::Caller;
use crate::service::state::{self, Counts, LoadMode};

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} cannot be read: {}", .path.display(), .error.kind())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}, line {line}: {details}", .path.display())]
    Invalid { path: PathBuf, line: u64, details: String },
    #[error("{} cannot be loaded: {details}", .path.display())]
    Failed { path: PathBuf, details: String },
}

/// Loads a file as the template of the projects that are provisioned from now on. With `is_only_emulator`, no other emulator uses
/// the database, so that the templates of earlier starts are deleted.
///
/// # Errors
/// Returns the errors of [`load_file`].
pub async fn load_template(app: &AppState, path: &Path, is_only_emulator: bool) -> Result<(), FileError> {
    let failed = |details: String| FileError::Failed { path: path.to_owned(), details };
    let name = name_of_template(path).await?;
    let prepared = state::prepare_template(&app.core, &name, is_only_emulator).await;
    let caller = prepared.map_err(|error| failed(error.to_string()))?;
    if let Err(error) = load_file(app, &caller, path).await {
        if let Err(error) = state::discard_template(&app.core, &caller).await {
            tracing::warn!(%error, "failed to delete a template that could not be loaded");
        }
        return Err(error);
    }
    app.authenticator.set_template(caller.project);
    Ok(())
}

/// Returns a name for the content of a file, as this version of the program reads it.
async fn name_of_template(path: &Path) -> Result<String, FileError> {
    let path = path.to_owned();
    let hashing = spawn_blocking(move || match Spool::open(&path).and_then(|spool| digest_of(&spool)) {
        Ok(digest) => Ok(format!("template {digest}")),
        Err(error) => Err(FileError::Unreadable { path, error }),
    });
    hashing.await.map_err(|error| FileError::Failed { path: PathBuf::new(), details: error.to_string() })?
}

fn digest_of(spool: &Spool) -> io::Result<String> {
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    let (mut buffer, mut position) = (vec![0; 64 * 1024], 0);
    loop {
        let read = spool.read_at(&mut buffer, position)?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..read]);
        position += u64::try_from(read).unwrap_or_default();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Loads a file into the project of the caller, if the project is empty. Returns `None` when it is not.
///
/// # Errors
/// Returns an error when the file cannot be read, or is not a state document, with its line, and when the database fails.
pub async fn load_file(app: &AppState, caller: &Caller, path: &Path) -> Result<Option<Counts>, FileError> {
    let path = path.to_owned();
    let spool = match Spool::open(&path) {
        Ok(spool) => Arc::new(spool),
        Err(error) => return Err(FileError::Unreadable { path, error }),
    };
    load_spool(app, caller, LoadMode::IfEmpty, Arc::clone(&spool)).await.map_err(|error| {
        let details = error.error.text().into_owned();
        if let Some(position) = error.position {
            return FileError::Invalid { path, line: line_of(&spool, position), details };
        }
        FileError::Failed { path, details: error.error.cause().map_or(details, str::to_owned) }
    })
}
