//! A response that sends the requests of the request log as they end, as server-sent events.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame};
use tokio::time::timeout;

use super::ApiError;
use crate::domain::project::ProjectId;
use crate::service::Core;
use crate::service::request_log::{RequestStream, StreamEvent};

/// The interval of the comment lines that are sent while no request ends, so that proxies do not close the connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Returns a response that sends the requests of a project as they end, until the client closes the connection or the server stops.
/// `write` returns the text of an event, or nothing where the client does not get it.
///
/// # Errors
/// 503 when too many streams are open.
pub fn open(
    core: &Core,
    project: ProjectId,
    write: impl Fn(&StreamEvent) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Response, ApiError> {
    let stream = core
        .request_log
        .stream(project)
        .ok_or_else(|| ApiError::unavailable("Too many streams of the request log are open"))?;
    // The first line shows the client that the stream is open.
    let events = Events { next: Box::pin(async { Some((b": open\n\n".to_vec(), stream)) }), write: Arc::new(write) };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(events)).into_response())
}

/// The next text to send and the stream, or `None` when the server stops.
type Next = Option<(Vec<u8>, RequestStream)>;
type Write = dyn Fn(&StreamEvent) -> Vec<u8> + Send + Sync;

/// A body that sends the events of a stream. It reads the next event when the client has received the one before. When the client
/// closes the connection, the body is dropped, and the stream with it.
struct Events {
    next: Pin<Box<dyn Future<Output = Next> + Send>>,
    write: Arc<Write>,
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = ready!(self.next.as_mut().poll(context));
        let Some((sent, stream)) = next else {
            self.next = Box::pin(pending());
            return Poll::Ready(None);
        };
        self.next = Box::pin(wait(stream, Arc::clone(&self.write)));
        Poll::Ready(Some(Ok(Frame::data(sent.into()))))
    }
}

/// Waits for the next event of the stream that the client gets.
async fn wait(mut stream: RequestStream, write: Arc<Write>) -> Next {
    loop {
        match timeout(KEEP_ALIVE_INTERVAL, stream.next()).await {
            Ok(Some(event)) => {
                let text = write(&event);
                if !text.is_empty() {
                    return Some((text, stream));
                }
            }
            Ok(None) => return None,
            Err(_) => return Some((b": keep-alive\n\n".to_vec(), stream)),
        }
    }
}
