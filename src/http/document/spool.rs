//! A JSON body, or a file, that is read at any position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use axum::extract::{FromRequest, Request};
use http_body_util::BodyExt;
use std::io::Write;
use tokio::task::spawn_blocking;

use crate::domain::limits::STATE_BYTES;
use crate::http::connection::request_body::is_timeout;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::is_json;

/// Up to this size, a body stays in memory.
const MAX_BYTES_IN_MEMORY: usize = 256 * 1024;

/// A JSON document. A large one that a client has sent is an unlinked temporary file, which the system deletes when the
/// process ends.
#[derive(Debug)]
pub(crate) enum Spool {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self::File)
    }

    /// Reads bytes at `offset`, and returns how many; 0 at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
                let read = rest.len().min(buffer.len());
                buffer[..read].copy_from_slice(&rest[..read]);
                Ok(read)
            }
            Self::File(file) => file.read_at(buffer, offset),
        }
    }
}

/// A JSON body of any size up to [`STATE_BYTES`]; `None` when the request has no body.
pub(crate) struct SpooledJson(pub Option<Spool>);

impl<S: Send + Sync> FromRequest<S> for SpooledJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let mut body = request.into_body();
        let (mut file, mut buffer, mut size) = (None, Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                // Otherwise the client disconnected, or sent a malformed chunk.
                ApiError::new(if is_timeout(&error) { ErrorKind::RequestTimeout } else { ErrorKind::MalformedJson })
            })?;
            let Ok(data) = frame.into_data() else { continue };
            size += data.len();
            if size > STATE_BYTES {
                return Err(ApiError::new(ErrorKind::PayloadTooLarge).with_details(STATE_BYTES.to_string()));
            }
            buffer.extend_from_slice(&data);
            if buffer.len() > MAX_BYTES_IN_MEMORY {
                (file, buffer) = append(file, buffer).await?;
            }
        }
        match (size, is_json) {
            (0, _) => return Ok(Self(None)),
            (_, true) => {}
            (_, false) => return Err(ApiError::new(ErrorKind::UnsupportedMediaType)),
        }
        Ok(Self(Some(match file {
            None => Spool::Memory(buffer),
            Some(file) => match append(Some(file), buffer).await? {
                (Some(file), _) => Spool::File(file),
                (None, buffer) => Spool::Memory(buffer),
            },
        })))
    }
}

/// Appends the bytes to the file, which is created first if there is none, and returns the file and the empty buffer. It
/// runs on the blocking thread pool, so that it does not block the async threads.
async fn append(file: Option<File>, mut buffer: Vec<u8>) -> Result<(Option<File>, Vec<u8>), ApiError> {
    let internal = |cause: &dyn ToString| ApiError::new(ErrorKind::Internal).with_cause(&cause.to_string());
    let written = spawn_blocking(move || {
        let mut file = match file {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        file.write_all(&buffer)?;
        buffer.clear();
        io::Result::Ok((Some(file), buffer))
    });
    match written.await {
        Ok(written) => written.map_err(|error| internal(&error)),
        Err(panic) => Err(internal(&panic)),
    }
}
