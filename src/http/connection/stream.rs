//! The stream of a connection, which gives a JSON body to the error answers of hyper.
//!
//! hyper answers a request that it cannot parse by itself, with an empty body and without calling the service. Such an answer is
//! recognised by the state of the connection, never by the bytes alone: the service has no request, and everything that belongs to
//! earlier answers has been flushed, so the bytes can only be hyper's own. In any other state bytes are written as they are.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::state::{ConnectionState, Phase};
use super::transport::Transport;
use crate::http::error::{ApiError, ErrorKind};

/// How many bytes are discarded with one read after the last answer.
const DISCARD_BUFFER_BYTES: usize = 16 * 1024;

/// The headers of the JSON answers that are written here, as the router sets them on its answers.
const HEADERS: &str = "content-type: application/json; charset=utf-8\r\nx-content-type-options: nosniff\r\n";

/// The stream of one connection.
#[derive(Debug)]
pub(super) struct HttpStream<T> {
    stream: T,
    state: Arc<ConnectionState>,
    /// The bytes of a replaced answer that are not written yet.
    replacement: Vec<u8>,
    /// Whether the last byte has been sent.
    is_shut_down: bool,
}

impl<T: Transport> HttpStream<T> {
    pub fn new(stream: T, state: Arc<ConnectionState>) -> Self {
        Self { stream, state, replacement: Vec::new(), is_shut_down: false }
    }

    /// Writes an error answer to a request that hyper has not answered, as far as it can be written at once.
    pub fn refuse(&mut self, kind: ErrorKind) {
        let error = ApiError::new(kind);
        let (status, body) = (error.status(), error.body(""));
        let head = format!("HTTP/1.1 {status}\r\n{HEADERS}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        self.stream.finish(&[head.as_bytes(), &body].concat());
    }

    /// Writes the end of the stream, as far as it can be written at once.
    pub fn finish(&mut self) {
        self.stream.finish(b"");
    }

    /// Makes the system discard what is not sent and reset the connection when the stream is dropped.
    pub fn reset(&self) {
        self.stream.reset();
    }

    /// Returns the replacement of the bytes if they are an error answer of hyper.
    fn replacement_of(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !matches!(self.state.phase(), Phase::Idle | Phase::Head) {
            return None;
        }
        self.state.close();
        self.state.linger();
        with_body(bytes)
    }

    fn write_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.replacement.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.replacement))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.replacement.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Records whether the client receives.
    fn record<R>(&self, written: Poll<R>) -> Poll<R> {
        match written {
            Poll::Pending => self.state.blocked(),
            Poll::Ready(_) => self.state.unblocked(),
        }
        written
    }
}

/// Returns an error answer of hyper with a JSON body; `None` if it has another form than expected.
fn with_body(answer: &[u8]) -> Option<Vec<u8>> {
    let kind = match answer.strip_prefix(b"HTTP/1.1 4")?.get(..2)? {
        b"00" => ErrorKind::BadRequest,
        b"14" => ErrorKind::UriTooLong,
        b"31" => ErrorKind::HeadersTooLarge,
        _ => return None,
    };
    let head = std::str::from_utf8(answer).ok()?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    let body = ApiError::new(kind).body("");
    let headers = format!("{HEADERS}content-length: {}\r\n", body.len());
    Some([before.as_bytes(), headers.as_bytes(), after.as_bytes(), &body].concat())
}

impl<T: Transport> AsyncRead for HttpStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > filled {
            self.state.received();
        }
        read
    }
}

impl<T: Transport> AsyncWrite for HttpStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.write_replacement(context))?;
        if let Some(replacement) = self.replacement_of(bytes) {
            self.replacement = replacement;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.record(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write_replacement(context))?;
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && let Some(replacement) = self.replacement_of(first)
        {
            self.replacement = replacement;
            return Poll::Ready(Ok(first.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.record(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes the stream when it has written all its bytes.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_replacement(context))?;
        // TLS keeps bytes that the socket does not take.
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.record(flushed))?;
        self.state.flushed();
        Poll::Ready(Ok(()))
    }

    /// Sends the end of the stream. If the client may still be sending, its data is then discarded until it closes the connection or
    /// the sweep does: an early close would reset the connection, and the client could lose the answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_replacement(context))?;
        if !self.is_shut_down {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_shut_down = true;
            self.state.close();
        }
        if !self.state.lingers() || self.state.is_stopping() {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; DISCARD_BUFFER_BYTES];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
