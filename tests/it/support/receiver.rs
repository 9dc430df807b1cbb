//! A webhook receiver whose responses the test chooses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the receiver responds.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// Status 200 after this time.
    Late(Duration),
    /// That status after this time.
    LateStatus(Duration, u16),
    /// No response.
    Hang,
    /// A redirect to this URL.
    Redirect(String),
    /// Status 200 with an endless body.
    Endless,
}

/// A received message.
#[derive(Clone, Debug)]
pub struct Message {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Message {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the signature header is the signature of the body with this token.
    pub fn is_signed_with(&self, token: &str) -> bool {
        let signature = self.headers["x-voucherify-signature"].to_str().unwrap();
        assert!(signature.len() == 64 && signature == signature.to_lowercase());
        let bytes: Vec<_> =
            (0..64).step_by(2).map(|at| u8::from_str_radix(&signature[at..at + 2], 16).unwrap()).collect();
        let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
        mac.update(&self.body);
        mac.verify_slice(&bytes).is_ok()
    }

    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{:?}", self.body)).to_owned()
    }
}

#[derive(Default)]
struct Shared {
    messages: Mutex<Vec<Message>>,
    /// The next replies, the last element first.
    replies: Mutex<Vec<Reply>>,
    /// The reply when `replies` is empty; `None` is status 200.
    default_reply: Mutex<Option<Reply>>,
    /// The number of requests in flight now, and the maximum so far.
    in_flight: Mutex<(usize, usize)>,
}

/// A webhook receiver, which stops when the test ends.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Starts a receiver that responds with status 200 until the test chooses other replies.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Sets the replies to the next requests. Later requests get the default reply.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        *self.shared.replies.lock().unwrap() = replies;
    }

    /// Sets the default reply.
    pub fn always(&self, reply: Reply) {
        *self.shared.default_reply.lock().unwrap() = Some(reply);
    }

    pub fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// Returns the largest number of requests that were in flight at the same time.
    pub fn max_concurrent_requests(&self) -> usize {
        self.shared.in_flight.lock().unwrap().1
    }

    /// Waits until there are at least `count` messages, and returns all messages.
    #[track_caller]
    pub fn received(&self, count: usize) -> impl Future<Output = Vec<Message>> + use<'_> {
        let caller = std::panic::Location::caller();
        async move {
            let start = Instant::now();
            loop {
                let messages = self.messages();
                if messages.len() >= count {
                    return messages;
                }
                assert!(start.elapsed() < Duration::from_secs(20), "{} of {count} at {caller}", messages.len());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    {
        let mut in_flight = shared.in_flight.lock().unwrap();
        in_flight.0 += 1;
        in_flight.1 = in_flight.1.max(in_flight.0);
    }
    let path = uri.path().to_owned();
    shared.messages.lock().unwrap().push(Message { method, path, headers, body });
    let reply = shared.replies.lock().unwrap().pop();
    let reply = reply.or_else(|| shared.default_reply.lock().unwrap().clone()).unwrap_or(Reply::Status(200));
    let response = match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Late(after) => {
            tokio::time::sleep(after).await;
            StatusCode::OK.into_response()
        }
        Reply::LateStatus(after, status) => {
            tokio::time::sleep(after).await;
            StatusCode::from_u16(status).unwrap().into_response()
        }
        Reply::Hang => std::future::pending().await,
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Reply::Endless => {
            let piece = Bytes::from_static(&[b'x'; 8192]);
            Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()))).into_response()
        }
    };
    shared.in_flight.lock().unwrap().0 -= 1;
    response
}
