//! Connections: what is sent and received on real sockets, and the limits of connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use voucherify_emulator::http::{ConnectionLimits, HttpServer};
use voucherify_emulator::metrics::ConnectionGauge;
use voucherify_emulator::tls::Tls;

mod faults;
mod keep_alive;
mod limits;
mod malformed;
mod refused;
mod tls;

/// How long a test waits for bytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a socket of its own.
struct Served {
    server: HttpServer,
    address: SocketAddr,
}

impl Served {
    async fn new(router: Router, limits: ConnectionLimits) -> Self {
        Self::with(router, limits, None).await
    }

    async fn with(router: Router, limits: ConnectionLimits, tls: Option<&Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = tls.map(|tls| tls.config.clone());
        Self { server: HttpServer::start(vec![listener], router, limits, ConnectionGauge::default(), tls), address }
    }

    async fn connect(&self) -> Connection {
        Connection::new(TcpStream::connect(self.address).await.unwrap())
    }
}

/// A connection of a client.
struct Connection<S = TcpStream> {
    stream: S,
    received: Vec<u8>,
}

/// An answer as it was received.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Received {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("\r\nconnection: close\r\n")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// Sends bytes. The server may have closed the connection.
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Receives more bytes, and returns whether there are any.
    async fn receive(&mut self) -> bool {
        let mut buffer = [0; 8192];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("the server is silent");
        let read = read.unwrap_or(0);
        self.received.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// Receives one answer with a content length.
    async fn answer(&mut self) -> Received {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.receive().await, "the connection was closed: {}", String::from_utf8_lossy(&self.received));
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let length: usize = length.expect("a content length").parse().unwrap();
        while self.received.len() < length {
            assert!(self.receive().await, "the body was cut");
        }
        Received { head, body: self.received.drain(..length).collect() }
    }

    /// Receives everything until the connection ends, and returns how it ended.
    async fn end(&mut self) -> (Vec<u8>, io::Result<usize>) {
        let mut received = std::mem::take(&mut self.received);
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut received)).await.expect("the connection stays open");
        (received, end)
    }

    /// Receives everything until the server closes the connection.
    async fn rest(&mut self) -> Vec<u8> {
        while self.receive().await {}
        std::mem::take(&mut self.received)
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

/// Returns the head of a request with the server keys of the default project.
fn post(path: &str, length: usize, more: &str) -> String {
    let (id, token) = (voucherify_emulator::config::DEFAULT_APP_ID, voucherify_emulator::config::DEFAULT_APP_TOKEN);
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-app-id: {id}\r\nx-app-token: {token}\r\n{more}content-length: {length}\r\n\r\n"
    )
}
