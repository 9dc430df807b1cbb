//! Loads the files of the options of an emulator.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::line_of;
use super::load::load_spool;
use crate::http::document::Spool;
use crate::http::state::AppState;
use crate::service::Caller;
use crate::service::state::{Counts, LoadMode};

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
