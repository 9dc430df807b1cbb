//! A receiver of webhooks that does what a test tells it.

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

/// How it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// After that time, 200.
    Late(Duration),
    /// Nothing, for ever.
    Hang,
    /// A redirect to that place.
    Redirect(String),
    /// 200, and a body without an end.
    Endless,
}

/// A message as it came in.
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

    /// Whether its signature is that of its very bytes under the token of the project.
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
    /// What comes next; when there is nothing left, `then`.
    replies: Mutex<Vec<Reply>>,
    then: Mutex<Option<Reply>>,
    /// How many are being answered, and how many there were at once.
    now: Mutex<(usize, usize)>,
}

/// A receiver. It ends with the test.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// One that answers 200 until it is told otherwise.
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

    /// Answers so, one after the other, and then 200 again.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        *self.shared.replies.lock().unwrap() = replies;
    }

    /// From now on always answers so.
    pub fn always(&self, reply: Reply) {
        *self.shared.then.lock().unwrap() = Some(reply);
    }

    pub fn messages(&self) -> Vec<Message> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// How many were being answered at once, at the most.
    pub fn most_at_once(&self) -> usize {
        self.shared.now.lock().unwrap().1
    }

    /// Waits until there are so many messages, and returns all.
    #[track_caller]
    pub fn received(&self, count: usize) -> impl Future<Output = Vec<Message>> + use<'_> {
        let caller = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            loop {
                let messages = self.messages();
                if messages.len() >= count {
                    return messages;
                }
                assert!(begun.elapsed() < Duration::from_secs(20), "{} of {count} at {caller}", messages.len());
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
        let mut now = shared.now.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
    }
    let path = uri.path().to_owned();
    shared.messages.lock().unwrap().push(Message { method, path, headers, body });
    let reply = shared.replies.lock().unwrap().pop();
    let reply = reply.or_else(|| shared.then.lock().unwrap().clone()).unwrap_or(Reply::Status(200));
    let response = match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Late(after) => {
            tokio::time::sleep(after).await;
            StatusCode::OK.into_response()
        }
        Reply::Hang => std::future::pending().await,
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Reply::Endless => {
            let piece = Bytes::from_static(&[b'x'; 8192]);
            Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()))).into_response()
        }
    };
    shared.now.lock().unwrap().0 -= 1;
    response
}
