//! Downloads a file, and continues after an interruption.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::Failure;
use super::progress::Progress;
use crate::domain::error_text::root_cause;

/// How long the host may send nothing. A start that fails ends within ten seconds.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(6);
/// How often a download is begun or continued.
const MAX_ATTEMPTS: u32 = 5;
/// Characters of the file with a checksum that are read.
const MAX_CHECKSUM_FILE_BYTES: usize = 4096;

/// Returns a client for the URL. It uses the proxies of the environment.
///
/// # Errors
/// Returns an error when HTTPS is needed and the machine has no usable root certificates.
pub async fn client(base_url: &str) -> Result<Client, Failure> {
    // This fails if a provider is already installed, which is fine: the program uses only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().user_agent(concat!("voucherify-emulator/", env!("CARGO_PKG_VERSION")));
    let builder = if base_url.starts_with("https:") { builder.https_only(true) } else { builder.tls_certs_only([]) };
    // Reading the root certificates of the machine takes long.
    let client = spawn_blocking(move || builder.build()).await?;
    client.map_err(|error| Failure::Certificates(root_cause(&error.without_url())))
}

/// Returns the SHA-256 checksum in a published file, in lower case.
pub async fn checksum(client: &Client, url: &str) -> Result<String, Failure> {
    let mut response = send(client.get(url)).await?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Failure::Status(status.as_u16()));
    }
    let mut text = Vec::new();
    while let Some(chunk) = in_time(response.chunk()).await?.map_err(unreachable)? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_CHECKSUM_FILE_BYTES {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text).to_lowercase();
    let found = text.split(|letter: char| !letter.is_ascii_hexdigit()).find(|word| word.len() == 64);
    let file = url.rsplit('/').next().unwrap_or_default();
    found.map(str::to_owned).ok_or_else(|| Failure::NoChecksum(file.to_owned()))
}

/// Downloads `url` to a file. What the file already has is not requested again, and an interrupted download is continued as long as
/// each attempt brings something.
pub async fn download(client: &Client, url: &str, path: &Path, progress: &mut Progress) -> Result<(), Failure> {
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(Failure::at(path))?;
    for attempt in 1.. {
        let present = length(&file, path)?;
        match receive(client, url, &mut file, path, progress).await {
            Err(Failure::Interrupted(bytes)) if bytes != present && attempt < MAX_ATTEMPTS => {
                tracing::debug!(bytes, "the download of PostgreSQL was interrupted");
            }
            outcome => return outcome,
        }
    }
    Ok(())
}

/// Requests what the file lacks, and appends it.
async fn receive(
    client: &Client,
    url: &str,
    file: &mut File,
    path: &Path,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut received = length(file, path)?;
    let mut request = client.get(url);
    if received > 0 {
        request = request.header(RANGE, format!("bytes={received}-"));
    }
    let mut response = send(request).await?;
    match response.status() {
        StatusCode::OK => {
            file.set_len(0).map_err(Failure::at(path))?;
            received = 0;
        }
        StatusCode::PARTIAL_CONTENT if is_continuation(&response, received) => {}
        // The file has more than the host.
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if received > 0 => {
            file.set_len(0).map_err(Failure::at(path))?;
            return Err(Failure::Interrupted(0));
        }
        status => return Err(Failure::Status(status.as_u16())),
    }
    let total = response.content_length().map(|length| received + length);
    loop {
        match timeout(SILENCE_TIMEOUT, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                file.write_all(&chunk).map_err(Failure::at(path))?;
                received += chunk.len() as u64;
                progress.show(received, total);
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(_)) | Err(_) => return Err(Failure::Interrupted(received)),
        }
    }
}

/// Returns whether an answer begins with the byte that follows the first `received` bytes.
fn is_continuation(response: &Response, received: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {received}-")))
}

fn length(file: &File, path: &Path) -> Result<u64, Failure> {
    Ok(file.metadata().map_err(Failure::at(path))?.len())
}

async fn send(request: reqwest::RequestBuilder) -> Result<Response, Failure> {
    in_time(request.send()).await?.map_err(unreachable)
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(SILENCE_TIMEOUT, work).await.map_err(|_| Failure::Silent(SILENCE_TIMEOUT.as_secs()))
}

fn unreachable(error: reqwest::Error) -> Failure {
    // The URL may contain a password.
    Failure::Unreachable(root_cause(&error.without_url()))
}
