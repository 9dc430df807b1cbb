//! Sends the messages of webhooks: signs them, posts them, and looks at nothing of the answer but its status.

mod sign;
mod target;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::domain::webhook::Secret;
use target::{Guard, Target};

/// How long an attempt may take, from the first try to connect to the end of what is read of the answer.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read, so that its connection can be used again; whoever says more loses the connection.
const READ_BYTES: usize = 16 * 1024;
/// How long a connection is kept that nothing is sent on.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Characters of an error that are kept.
const ERROR_CHARS: usize = 300;
/// The header with the signature.
const SIGNATURE: &str = "x-voucherify-signature";

/// Posts messages.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    guard: Guard,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it counts as failed; `None` where the message was delivered.
    pub error: Option<String>,
}

impl Sent {
    /// Whether the message was delivered: any status from 200 to 299.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.error.is_none()
    }

    fn failed(error: impl Into<String>) -> Self {
        let error: String = error.into();
        Self { status: None, error: Some(error.chars().take(ERROR_CHARS).collect()) }
    }
}

/// No client can be made: the machine has no usable root certificates.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be sent: {0}")]
pub struct SenderError(String);

impl Sender {
    /// A sender; link-local targets, where clouds answer with secrets, are refused unless they are allowed.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_link_local: bool) -> Result<Self, SenderError> {
        // Another part of the program may have chosen it before, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let guard = Guard::new(allow_link_local);
        let client = Client::builder()
            .timeout(ATTEMPT_WITHIN)
            .pool_idle_timeout(KEPT_FOR)
            .redirect(Policy::none())
            // What is on this machine is not behind a proxy.
            .no_proxy()
            .dns_resolver(Arc::new(guard))
            .build()
            .map_err(|error| SenderError(cause_of(&error)))?;
        Ok(Self { client, guard })
    }

    /// Posts `message` to `target_url`, signed with `token`.
    pub async fn send(&self, target_url: &str, token: &Secret, message: Vec<u8>) -> Sent {
        let target = match Target::parse(target_url, self.guard) {
            Ok(target) => target,
            Err(refusal) => return Sent::failed(refusal.to_string()),
        };
        let request = self
            .client
            .post(target.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(concat!("voucherify-emulator/", env!("CARGO_PKG_VERSION"))))
            .header(SIGNATURE, sign::signature(&token.0, &message))
            .body(message);
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                read(response).await;
                let error = if status.is_success() {
                    None
                } else if status.is_redirection() {
                    Some("The receiver answered with a redirect, which is not followed".to_owned())
                } else {
                    Some("The receiver answered with a status that is not from 200 to 299".to_owned())
                };
                Sent { status: Some(status.as_u16()), error }
            }
            Err(error) if error.is_timeout() => {
                Sent::failed(format!("The receiver did not answer within {} s", ATTEMPT_WITHIN.as_secs()))
            }
            // Without the URL, which may hold a password.
            Err(error) => Sent::failed(cause_of(&error.without_url())),
        }
    }
}

/// Reads the rest of an answer, if it is short, and throws it away.
async fn read(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > READ_BYTES {
            return;
        }
    }
}

/// What is at the bottom of an error, which says most.
fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

pub use target::check as check_target;
