//! An uploaded file in a multipart body.

use std::io::{self, Seek, SeekFrom, Write};
use std::mem;

use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use tempfile::SpooledTempFile;
use tokio::task::spawn_blocking;

use super::connection::request_body::is_timeout;
use super::error::{ApiError, ErrorKind};
use super::request_context::request_context;
use super::unread::{MAX_UNREAD, Unread};
use crate::domain::limits::BULK_BYTES;

/// How many bytes a body may have in addition to its file, for boundaries, headers and other parts.
const MULTIPART_OVERHEAD_BYTES: usize = 64 * 1024;
/// How many bytes of a file are buffer in memory before they are written to disk. A smaller file stays in memory.
const BUFFER_BYTES: usize = 256 * 1024;
/// How many chunks of the body may wait to be read.
const CHANNEL_CAPACITY: usize = 1;

/// The part `file` of a multipart body; `None` when the request has no body. A large file is an unlinked temporary
/// file, which the system deletes when the process ends. Other parts are unread, and refused in a strict project.
pub struct Upload(pub Option<SpooledTempFile>);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let context = request_context(&parts.extensions)?;
        // The body is forwarded to the parser through a channel, so that its size and its failures are known.
        let (sender, piped) = Channel::<Bytes, axum::Error>::new(CHANNEL_CAPACITY);
        let is_multipart = is_multipart(&parts.headers);
        let mut piped = Request::from_parts(parts, Body::new(piped));
        DefaultBodyLimit::disable().apply(&mut piped);
        let file = async {
            match Multipart::from_request(piped, state).await {
                Ok(multipart) => read_file(multipart).await,
                Err(_) if is_multipart => Err(malformed()),
                Err(_) => Err(ApiError::new(ErrorKind::UnsupportedMediaType)),
            }
        };
        let (sent, file) = tokio::join!(forward(body, sender), file);
        match sent.map_err(ApiError::new)? {
            0 => Ok(Self(None)),
            sent if sent > BULK_BYTES + MULTIPART_OVERHEAD_BYTES => Err(too_large()),
            _ => {
                let (file, others) = file?;
                context.add_unread(others)?;
                Ok(Self(file))
            }
        }
    }
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
    media.trim().eq_ignore_ascii_case("multipart/form-data")
}

fn too_large() -> ApiError {
    ApiError::new(ErrorKind::PayloadTooLarge).with_details(BULK_BYTES.to_string())
}

/// Reads the body until it ends or is too large, forwards it until the parser stops, and returns how many bytes were read.
///
/// # Errors
/// When the client does not send its body in time.
async fn forward(mut body: Body, mut sender: Sender<Bytes, axum::Error>) -> Result<usize, ErrorKind> {
    let (mut sent, mut is_parsed) = (0, false);
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                let is_timeout = is_timeout(&error);
                sender.abort(error);
                return if is_timeout { Err(ErrorKind::RequestTimeout) } else { Ok(sent.max(1)) };
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        sent += data.len();
        if sent > BULK_BYTES + MULTIPART_OVERHEAD_BYTES {
            return Ok(sent);
        }
        // The parser stops at the last boundary, or at an error. What follows is read and discarded.
        is_parsed = is_parsed || sender.send_data(data).await.is_err();
    }
    Ok(sent)
}

/// Returns the file, and the other parts of the body.
async fn read_file(mut multipart: Multipart) -> Result<(Option<SpooledTempFile>, Vec<Unread>), ApiError> {
    let (mut file, mut others) = (None, Vec::new());
    while let Some(field) = multipart.next_field().await.map_err(|_| malformed())? {
        if field.name() != Some("file") {
            if others.len() < MAX_UNREAD {
                others.push(Unread::member_of_body(field.name().unwrap_or_default()));
            }
            continue;
        }
        if file.is_some() {
            return Err(ApiError::invalid_payload("Property .file must be one file"));
        }
        file = Some(spool(field).await?);
    }
    Ok((file, others))
}

/// Returns the error for a body that is incomplete or has no boundaries.
fn malformed() -> ApiError {
    ApiError::invalid_payload("Payload must be multipart/form-data, whole and with its boundaries")
}

async fn spool(mut field: Field<'_>) -> Result<SpooledTempFile, ApiError> {
    let mut file = SpooledTempFile::new(BUFFER_BYTES);
    let (mut buffer, mut size) = (Vec::new(), 0);
    while let Some(piece) = field.chunk().await.map_err(|_| malformed())? {
        size += piece.len();
        if size > BULK_BYTES {
            return Err(too_large());
        }
        buffer.extend_from_slice(&piece);
        if buffer.len() >= BUFFER_BYTES {
            let written = mem::take(&mut buffer);
            file = blocking(move || {
                file.write_all(&written)?;
                Ok(file)
            })
            .await?;
        }
    }
    blocking(move || {
        file.write_all(&buffer)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    })
    .await
}

/// Runs file operations on the blocking thread pool, so that they do not block the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, ApiError> {
    let internal = |cause: &dyn ToString| ApiError::new(ErrorKind::Internal).with_cause(&cause.to_string());
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| internal(&error)),
        Err(panic) => Err(internal(&panic)),
    }
}
