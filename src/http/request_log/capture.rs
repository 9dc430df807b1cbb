//! Copies the beginning of a body as it passes.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// How many bytes of a body are kept.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// How long a body that no handler reads is waited for.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The beginning of a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyBeginning<'a> {
    bytes: &'a [u8],
    /// How long the body was, as far as it was seen.
    length: u64,
}

impl<'a> BodyBeginning<'a> {
    /// Returns the beginning of a body that consists of these bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes: &bytes[..bytes.len().min(MAX_BODY_BYTES)], length: length_of(bytes) }
    }

    /// Returns the length of the body, if it is longer than what is kept.
    pub fn full_length(self) -> Option<u64> {
        (self.length > length_of(self.bytes)).then_some(self.length)
    }

    /// Returns the beginning as text. Bytes that are not UTF-8 are replaced.
    pub fn text(self) -> Cow<'a, str> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            // The end may be in the middle of a character.
            Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&self.bytes[..error.valid_up_to()]),
            Err(_) => String::from_utf8_lossy(self.bytes),
        }
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The beginning of a body that passes. It is a copy, because the memory that the body itself refers to may be much larger.
#[derive(Debug, Default)]
pub struct CapturedBody {
    bytes: Vec<u8>,
    length: u64,
}

impl CapturedBody {
    fn add(&mut self, bytes: &[u8]) {
        let free = MAX_BODY_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(free)]);
        self.length += length_of(bytes);
    }

    pub fn beginning(&self) -> BodyBeginning<'_> {
        BodyBeginning { bytes: &self.bytes, length: self.length }
    }
}

/// A captured body that the body itself still adds to.
pub type SharedBody = Arc<Mutex<CapturedBody>>;

/// A request body that is captured while it is read.
pub struct CapturingBody {
    body: Body,
    captured: SharedBody,
}

impl CapturingBody {
    /// Wraps a body. It is captured in the returned value.
    pub fn wrap(body: Body) -> (Body, SharedBody) {
        let captured = SharedBody::default();
        (Body::new(Self { body, captured: Arc::clone(&captured) }), captured)
    }
}

impl HttpBody for CapturingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.captured.lock().unwrap_or_else(PoisonError::into_inner).add(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Reads the beginning of a body that no handler reads, so that it is captured.
pub async fn read_beginning(body: &mut Body) {
    let mut left = MAX_BODY_BYTES + 1;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // A client that is too slow is answered without the rest of its body.
    let _ = timeout(READ_TIMEOUT, read).await;
}

/// A response body that is captured while it is sent. When it ends, or is dropped because the client has disconnected, `complete` is
/// called with what was captured.
pub struct CompletingBody<F: FnOnce(BodyBeginning<'_>) + Send + Unpin + 'static> {
    /// What was read from the body already.
    first: Option<Bytes>,
    body: Body,
    /// The size of the whole body.
    hint: SizeHint,
    captured: CapturedBody,
    /// `None` after it was called.
    complete: Option<F>,
}

impl<F: FnOnce(BodyBeginning<'_>) + Send + Unpin + 'static> CompletingBody<F> {
    pub fn wrap(first: Option<Bytes>, body: Body, hint: SizeHint, complete: F) -> Body {
        Body::new(Self { first, body, hint, captured: CapturedBody::default(), complete: Some(complete) })
    }

    fn complete(&mut self) {
        if let Some(complete) = self.complete.take() {
            complete(self.captured.beginning());
        }
    }
}

impl<F: FnOnce(BodyBeginning<'_>) + Send + Unpin + 'static> HttpBody for CompletingBody<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.body).poll_frame(context),
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.captured.add(data);
                }
                if self.body.is_end_stream() {
                    self.complete();
                }
            }
            Poll::Ready(None | Some(Err(_))) => self.complete(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.first {
            Some(_) => self.hint,
            None => self.body.size_hint(),
        }
    }
}

impl<F: FnOnce(BodyBeginning<'_>) + Send + Unpin + 'static> Drop for CompletingBody<F> {
    fn drop(&mut self) {
        self.complete();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let body = "ä".repeat(MAX_BODY_BYTES);
        let text = format!("x{body}");
        let beginning = BodyBeginning::of(text.as_bytes());
        assert_eq!(beginning.text().len(), MAX_BODY_BYTES - 1);
        assert_eq!(beginning.full_length(), Some(2 * MAX_BODY_BYTES as u64 + 1));
        let binary = BodyBeginning::of(b"a\xffb");
        assert_eq!((binary.text().as_ref(), binary.full_length()), ("a\u{fffd}b", None));
    }

    #[tokio::test]
    async fn bodies_are_captured_as_they_pass() {
        let (body, captured) = CapturingBody::wrap(Body::from("request"));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "request");
        assert_eq!(captured.lock().unwrap().beginning().text(), "request");
        let (sender, receiver) = std::sync::mpsc::channel();
        let complete = move |beginning: BodyBeginning<'_>| sender.send(beginning.text().into_owned()).unwrap();
        let body = CompletingBody::wrap(Some(Bytes::from("ans")), Body::from("wer"), SizeHint::with_exact(6), complete);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "answer");
        assert_eq!(receiver.recv().unwrap(), "answer");
        assert!(receiver.recv().is_err(), "it is completed once");
    }
}
