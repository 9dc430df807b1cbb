//! What carries the bytes of a connection: a socket, or TLS on a socket.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A stream of bytes to a client.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Writes the last bytes and the end of the stream, as far as they can be written at once.
    fn finish(&mut self, bytes: &[u8]);

    /// Makes the system discard what is not sent and reset the connection when the stream is dropped.
    fn reset(&self);
}

impl Transport for TcpStream {
    fn finish(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            // The client may be gone. The system sends the end of the stream when it is dropped.
            let _ = self.try_write(bytes);
        }
    }

    fn reset(&self) {
        // The client may be gone.
        let _ = self.set_zero_linger();
    }
}
