//! Sends spans to the collector, in the background.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use super::endpoint::Endpoint;
use super::otlp;
use super::record::SpanData;
use crate::domain::error_text::root_cause;
use crate::metrics::TraceMetrics;

/// How many spans one request contains at most.
const MAX_BATCH: usize = 512;
/// How long a span waits for others before it is sent.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The pauses before the repetitions of a request that failed for a reason that may pass.
const RETRY_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// How often a failure is logged at most.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// Why spans were not accepted.
struct Failure {
    cause: String,
    /// Whether another attempt may succeed.
    may_pass: bool,
}

/// Sends the spans until the signal to stop, and then those that wait.
pub(super) async fn run(
    endpoint: Endpoint,
    metrics: TraceMetrics,
    mut spans: mpsc::Receiver<SpanData>,
    mut stopped: watch::Receiver<bool>,
) {
    let client = client(endpoint.url().scheme() == "https").await;
    let instance = format!("{:016x}", rand::random::<u64>());
    let mut last_warning: Option<Instant> = None;
    while let Some(batch) = next_batch(&mut spans, &mut stopped).await {
        let count = u64::try_from(batch.len()).unwrap_or_default();
        let sent = match &client {
            Ok(client) => send_repeatedly(client, &endpoint, &otlp::message(&batch, &instance), &mut stopped).await,
            Err(cause) => Err(cause.clone()),
        };
        let Err(cause) = sent else {
            metrics.exported(count);
            continue;
        };
        metrics.failed(count);
        if last_warning.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            tracing::warn!(collector = endpoint.origin(), cause, "failed to send traces to the collector");
            last_warning = Some(Instant::now());
        }
    }
}

/// Returns the spans to send next; `None` when no further ones follow.
async fn next_batch(
    spans: &mut mpsc::Receiver<SpanData>,
    stopped: &mut watch::Receiver<bool>,
) -> Option<Vec<SpanData>> {
    let mut batch = Vec::new();
    let mut deadline = None;
    while batch.len() < MAX_BATCH {
        let room = MAX_BATCH - batch.len();
        // The channel is closed without a signal when the tracer was dropped.
        let is_stopping = *stopped.borrow() || stopped.has_changed().is_err();
        if is_stopping {
            // Nothing is added any more, so that what waits can be taken to its end.
            spans.close();
        }
        let received = async {
            match deadline {
                None => Some(spans.recv_many(&mut batch, room).await),
                Some(deadline) => timeout_at(deadline, spans.recv_many(&mut batch, room)).await.ok(),
            }
        };
        let received = tokio::select! {
            received = received => received,
            _ = stopped.wait_for(|stop| *stop), if !is_stopping => continue,
        };
        match received {
            // The time is over, or nothing follows.
            None | Some(0) => break,
            Some(_) => _ = deadline.get_or_insert_with(|| Instant::now() + BATCH_DELAY),
        }
    }
    (!batch.is_empty()).then_some(batch)
}

/// Sends a message, and repeats the attempt after failures that may pass, except while the server stops.
async fn send_repeatedly(
    client: &Client,
    endpoint: &Endpoint,
    message: &[u8],
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), String> {
    for delay in RETRY_DELAYS {
        match send(client, endpoint, message).await {
            Err(Failure { may_pass: true, .. }) if !*stopped.borrow() => {
                tokio::select! { () = sleep(delay) => {}, _ = stopped.wait_for(|stop| *stop) => {} }
            }
            sent => return sent.map_err(|failure| failure.cause),
        }
    }
    send(client, endpoint, message).await.map_err(|failure| failure.cause)
}

async fn send(client: &Client, endpoint: &Endpoint, message: &[u8]) -> Result<(), Failure> {
    let request = client
        .post(endpoint.url().clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
        .body(message.to_vec());
    let response = request.send().await.map_err(|error| Failure {
        may_pass: !error.is_builder(),
        // Leave out the URL, because it may contain a password.
        cause: root_cause(&error.without_url()),
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    // The specification of OTLP names these.
    let may_pass = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    Err(Failure { cause: format!("the collector answered with status {}", status.as_u16()), may_pass })
}

/// Returns the HTTP client, or why there is none: the machine has no usable root certificates.
async fn client(is_secure: bool) -> Result<Client, String> {
    // This fails if a provider is already installed, which is fine: the program uses only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Reading the root certificates of the machine takes long, so that is done only for HTTPS, and beside the runtime.
    let build = move || {
        // A collector on this machine is not reachable through a proxy.
        let builder = Client::builder().timeout(REQUEST_TIMEOUT).redirect(Policy::none()).no_proxy();
        let builder = if is_secure { builder } else { builder.tls_certs_only([]) };
        builder.build().map_err(|error| root_cause(&error))
    };
    spawn_blocking(build).await.map_err(|error| error.to_string()).flatten()
}
