//! Answers in JSON even where a request is no HTTP.
//!
//! What hyper cannot read as a request, it answers by itself with an empty body, before any of our code is asked. This
//! listener's streams put the vendor's body into such an answer.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::error::{ApiError, ErrorKind};

/// Accepts connections whose small answers leave at once, and whose every answer has a body.
#[derive(Debug)]
pub struct JsonListener(pub TcpListener);

impl Listener for JsonListener {
    type Io = JsonStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (JsonStream, SocketAddr) {
        // Of axum, which waits a moment when the process has no more file descriptors.
        let (stream, address) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (JsonStream { stream, instead: Vec::new() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection.
#[derive(Debug)]
pub struct JsonStream {
    stream: TcpStream,
    /// What is still to be written instead of what hyper wrote.
    instead: Vec<u8>,
}

impl JsonStream {
    fn write_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// The answer with a body, where `answer` is one of hyper's own without: none of ours has a length of 0 and such a status.
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
    let headers = format!("content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n", body.len());
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
        ready!(self.write_instead(context))?;
        if let Some(instead) = with_body(bytes) {
            self.instead = instead;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write_instead(context))?;
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && let Some(instead) = with_body(first)
        {
            self.instead = instead;
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
