use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame};
use tokio::time::timeout;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::objects::logged_request;
use crate::service::Caller;
use crate::service::request_log::{RequestStream, StreamEvent};

/// The interval of the comment lines that are sent while no request ends, so that proxies do not close the connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// GET /_emulator/requests/stream (emulator-stream-requests)
///
/// Sends one event for each request of the project as it ends, until the client closes the connection or the server stops.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let stream = app
        .core
        .request_log
        .stream(caller.project)
        .ok_or_else(|| ApiError::unavailable("Too many streams of the request log are open"))?;
    // The first line shows the client that the stream is open.
    let events = Events { next: Box::pin(async { Some((b": open\n\n".to_vec(), stream)) }) };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(events)).into_response())
}

/// The next text to send and the stream, or `None` when the server stops.
type Next = Option<(Vec<u8>, RequestStream)>;

/// A body that sends the events of a stream. It reads the next event when the client has received the one before. When the client
/// closes the connection, the body is dropped, and the stream with it.
struct Events {
    next: Pin<Box<dyn Future<Output = Next> + Send>>,
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
        self.next = Box::pin(wait(stream));
        Poll::Ready(Some(Ok(Frame::data(sent.into()))))
    }
}

/// Waits for the next event of the stream.
async fn wait(mut stream: RequestStream) -> Next {
    match timeout(KEEP_ALIVE_INTERVAL, stream.next()).await {
        Ok(Some(event)) => Some((text(&event), stream)),
        Ok(None) => None,
        Err(_) => Some((b": keep-alive\n\n".to_vec(), stream)),
    }
}

/// Returns the event as the client receives it. JSON has no line breaks, so that it takes one `data:` line.
fn text(event: &StreamEvent) -> Vec<u8> {
    match event {
        StreamEvent::Request(request) => {
            let mut out = b"data: ".to_vec();
            logged_request::write(&mut out, request);
            out.extend_from_slice(b"\n\n");
            out
        }
        StreamEvent::Lost(count) => {
            format!(": {count} requests were removed from the log before they were sent\n\n").into_bytes()
        }
    }
}
