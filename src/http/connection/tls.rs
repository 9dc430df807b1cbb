//! TLS on the same port as plain HTTP: the first byte of a connection decides which of the two it speaks.
//!
//! A TLS connection begins with the record of a handshake, whose first byte no request of HTTP begins with. The handshake is made when the
//! stream is read, so the limits of a head of a request apply to it: the connection is half-open until it has ended.

use std::io::{self, IoSlice, Write};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::state::ConnectionState;
use super::transport::Transport;

/// The type of a record that belongs to a handshake: the first byte of a TLS connection.
const HANDSHAKE_RECORD: u8 = 0x16;

/// A stream that speaks what the client speaks.
pub(super) struct DetectedStream {
    stage: Stage,
    acceptor: TlsAcceptor,
    state: Arc<ConnectionState>,
}

enum Stage {
    /// No byte has arrived.
    Silent(TcpStream),
    Handshake(Box<Accept<TcpStream>>),
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// The handshake has failed.
    Failed,
}

impl DetectedStream {
    pub fn new(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<ConnectionState>) -> Self {
        Self { stage: Stage::Silent(stream), acceptor, state }
    }

    /// Waits until the first byte has arrived, and the handshake has ended if there is one.
    fn poll_detected(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.stage {
                Stage::Plain(_) | Stage::Secure(_) => return Poll::Ready(Ok(())),
                Stage::Silent(stream) => {
                    let mut byte = [0];
                    let peeked = ready!(stream.poll_peek(context, &mut ReadBuf::new(&mut byte)));
                    let begins_handshake = matches!(peeked, Ok(1)) && byte == [HANDSHAKE_RECORD];
                    if let Stage::Silent(stream) = mem::replace(&mut self.stage, Stage::Failed) {
                        self.stage = if begins_handshake {
                            self.state.received();
                            Stage::Handshake(Box::new(self.acceptor.accept(stream)))
                        } else {
                            // Reading shows the end of the stream, or an error, again.
                            Stage::Plain(stream)
                        };
                    }
                }
                Stage::Handshake(accept) => {
                    let accepted = ready!(Pin::new(accept).poll(context));
                    self.stage = Stage::Failed;
                    self.stage = Stage::Secure(Box::new(accepted?));
                    self.state.secured();
                }
                Stage::Failed => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            }
        }
    }
}

impl Transport for DetectedStream {
    fn finish(&mut self, bytes: &[u8]) {
        match &mut self.stage {
            Stage::Plain(stream) => stream.finish(bytes),
            Stage::Secure(stream) => {
                let (socket, session) = stream.get_mut();
                let _ = session.writer().write_all(bytes);
                session.send_close_notify();
                while session.wants_write() && session.write_tls(&mut AtOnce(socket)).is_ok_and(|written| written > 0) {
                }
            }
            Stage::Silent(_) | Stage::Handshake(_) | Stage::Failed => {}
        }
    }

    fn reset(&self) {
        match &self.stage {
            Stage::Silent(stream) | Stage::Plain(stream) => stream.reset(),
            Stage::Secure(stream) => stream.get_ref().0.reset(),
            Stage::Handshake(_) | Stage::Failed => {}
        }
    }
}

/// A socket that is written without waiting.
struct AtOnce<'a>(&'a TcpStream);

impl Write for AtOnce<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for DetectedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_detected(context))?;
        match &mut self.stage {
            Stage::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stage::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for DetectedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stage {
            Stage::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stage::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stage {
            Stage::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stage::Secure(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stage {
            Stage::Secure(stream) => Pin::new(stream).poll_flush(context),
            // A socket has nothing to flush, and nothing is written before the first byte is read.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stage {
            Stage::Silent(stream) | Stage::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stage::Secure(stream) => Pin::new(stream).poll_shutdown(context),
            Stage::Handshake(_) | Stage::Failed => Poll::Ready(Ok(())),
        }
    }
}
