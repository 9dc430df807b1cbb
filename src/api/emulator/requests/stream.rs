use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, event_stream};
use crate::objects::logged_request;
use crate::service::Caller;
use crate::service::request_log::StreamEvent;

/// GET /_emulator/requests/stream (emulator-stream-requests)
///
/// Sends one event for each request of the project as it ends, until the client closes the connection or the server stops.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    event_stream::open(&app.core, caller.project, text)
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
