//! A listener that answers malformed HTTP requests with a JSON body.
//!
//! hyper answers a request that it cannot parse by itself, with an empty body and without calling the router. The streams of this
//! listener replace such a response with one that has the vendor's error body.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::error::{ApiError, ErrorKind};

/// Accepts connections, sets `TCP_NODELAY`, and gives a JSON body to the error responses of hyper.
#[derive(Debug)]
pub struct JsonListener(pub TcpListener);

impl Listener for JsonListener {
    type Io = JsonStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (JsonStream, SocketAddr) {
        // `accept` of axum waits and tries again when the process has no free file descriptors.
        let (stream, address) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (JsonStream { stream, replacement: Vec::new() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The stream of one connection.
#[derive(Debug)]
pub struct JsonStream {
    stream: TcpStream,
    /// The bytes of a replaced response that are not written yet.
    replacement: Vec<u8>,
}

impl JsonStream {
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
}

/// Returns the response with a JSON body when `answer` is an error response of hyper. They are recognised by their status and the
/// content length 0, which no response of the router has together.
fn with_body(answer: &[u8]) -> Option<Vec<u8>> {
    let status = answer.strip_prefix(b"HTTP/1.1 4")?.get(..2)?;
    let kind = match status {
        b"00" => ErrorKind::BadRequest,
        b"14" => ErrorKind::UriTooLong,
        b"31" => ErrorKind::HeadersTooLarge,
        _ => return None,
    };
    let head = std::str::from_utf8(answer).ok()?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    let body = ApiError::new(kind).body("");
    let headers = format!(
        "content-type: application/json; charset=utf-8\r\nx-content-type-options: nosniff\r\ncontent-length: {}\r\n",
        body.len()
    );
    Some([before.as_bytes(), headers.as_bytes(), after.as_bytes(), &body].concat())
}

impl AsyncRead for JsonStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for JsonStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.write_replacement(context))?;
        if let Some(replacement) = with_body(bytes) {
            self.replacement = replacement;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write_replacement(context))?;
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && let Some(replacement) = with_body(first)
        {
            self.replacement = replacement;
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_replacement(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_replacement(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
