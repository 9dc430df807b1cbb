//! Signs the messages of webhooks and posts them. Only the status of the answer is used.

mod sign;
mod target;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::domain::error_text::root_cause;
use crate::domain::trace_context::TraceContext;
use crate::domain::webhook::Secret;
use target::{Guard, Target};

/// How long an attempt may take, from connecting until the answer has been read.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read, so that its connection can be reused. A longer answer closes the connection.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// How long an idle connection is kept open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of an error that are stored.
const MAX_ERROR_CHARS: usize = 300;
/// The header that carries the signature.
const SIGNATURE_HEADER: &str = "x-voucherify-signature";

/// Posts signed messages.
#[derive(Clone, Debug)]
pub struct Sender {
    /// For URLs that begin with `http`. It needs no root certificates.
    plain: Client,
    /// For URLs that begin with `https`. It is created when the first such message is sent, because reading the root certificates of the
    /// machine takes long, and a machine may have none.
    secure: Arc<OnceCell<Client>>,
    guard: Guard,
}

/// The result of sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOutcome {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why sending failed; `None` where the message was delivered.
    pub error: Option<String>,
}

impl SendOutcome {
    /// Returns whether the message was delivered: the status was from 200 to 299.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.error.is_none()
    }

    fn failed(error: impl Into<String>) -> Self {
        let error: String = error.into();
        Self { status: None, error: Some(error.chars().take(MAX_ERROR_CHARS).collect()) }
    }
}

/// The HTTP client cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be sent: {0}")]
pub struct SenderError(String);

impl Sender {
    /// Creates a sender. It refuses link-local targets, where cloud providers serve secrets, unless they are allowed.
    ///
    /// # Errors
    /// Returns an error when the HTTP client cannot be created.
    pub fn new(allow_link_local: bool) -> Result<Self, SenderError> {
        // This fails if a provider is already installed, which is fine: the program uses only this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let guard = Guard::new(allow_link_local);
        let plain = builder(guard).tls_certs_only([]).build();
        let plain = plain.map_err(|error| SenderError(root_cause(&error)))?;
        Ok(Self { plain, secure: Arc::default(), guard })
    }

    /// Returns the client for a URL; the error says that the machine has no usable root certificates.
    async fn client(&self, url: &Url) -> Result<&Client, String> {
        if url.scheme() != "https" {
            return Ok(&self.plain);
        }
        let guard = self.guard;
        let create = async || {
            let created = spawn_blocking(move || builder(guard).build().map_err(|error| root_cause(&error))).await;
            created.map_err(|error| error.to_string()).flatten()
        };
        self.secure.get_or_try_init(create).await
    }

    /// Posts `message` to `target_url`, signed with `token`, as a part of `trace`.
    pub async fn send(
        &self,
        target_url: &str,
        token: &Secret,
        message: Vec<u8>,
        trace: Option<&TraceContext>,
    ) -> SendOutcome {
        let target = match Target::parse(target_url, self.guard) {
            Ok(target) => target,
            Err(refusal) => return SendOutcome::failed(refusal.to_string()),
        };
        let client = match self.client(&target.url).await {
            Ok(client) => client,
            Err(error) => return SendOutcome::failed(error),
        };
        let mut request = client
            .post(target.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(concat!("voucherify-emulator/", env!("CARGO_PKG_VERSION"))))
            .header(SIGNATURE_HEADER, sign::signature(&token.0, &message))
            .body(message);
        if let Some(trace) = trace {
            request = request.header("traceparent", trace.traceparent());
            if let Some(state) = trace.tracestate() {
                request = request.header("tracestate", state);
            }
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                discard_body(response).await;
                let error = if status.is_success() {
                    None
                } else if status.is_redirection() {
                    Some("The receiver answered with a redirect, which is not followed".to_owned())
                } else {
                    Some("The receiver answered with a status that is not from 200 to 299".to_owned())
                };
                SendOutcome { status: Some(status.as_u16()), error }
            }
            Err(error) if error.is_timeout() => {
                SendOutcome::failed(format!("The receiver did not answer within {} s", ATTEMPT_TIMEOUT.as_secs()))
            }
            // Leave out the URL, because it may contain a password.
            Err(error) => SendOutcome::failed(root_cause(&error.without_url())),
        }
    }
}

fn builder(guard: Guard) -> ClientBuilder {
    Client::builder()
        .timeout(ATTEMPT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(Policy::none())
        // Endpoints on this machine are not reachable through a proxy.
        .no_proxy()
        .dns_resolver(Arc::new(guard))
}

/// Reads and discards the body of an answer, up to [`MAX_ANSWER_BYTES`].
async fn discard_body(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MAX_ANSWER_BYTES {
            return;
        }
    }
}

pub use target::check as check_target;
