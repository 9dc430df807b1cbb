//! Accepts connections, keeps them within the limits, and stops them.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::elapsed::{has_passed, now};
use super::limits::ConnectionLimits;
use super::serve::{HttpService, serve};
use super::state::ConnectionState;
use super::tls::DetectedStream;
use super::transport::Transport;
use crate::metrics::{ConnectionGauge, OpenConnection};

/// How long to wait before another attempt to accept a connection, or to make room for one.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// How long a request body must have made no progress before its request is refused to make room for another connection.
const STALLED_BODY: Duration = Duration::from_secs(1);
/// How long the closing of connections takes at most when the server has stopped to wait for their requests.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// A server that answers requests on listeners. Dropping it stops it.
#[derive(Debug)]
pub struct HttpServer {
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl HttpServer {
    /// Starts to accept connections, which `gauge` counts. Their requests are answered by `service`. With `tls`, the clients may speak HTTPS or HTTP, else HTTP.
    #[must_use]
    pub fn start(
        listeners: Vec<TcpListener>,
        service: impl HttpService,
        limits: ConnectionLimits,
        gauge: ConnectionGauge,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tls = tls.map(TlsAcceptor::from);
        Self { stop, serving: tokio::spawn(run(listeners, service, limits, Connections::new(gauge), tls, stopped)) }
    }

    /// Stops the server: idle and half-open connections are closed at once, requests in flight finish within their limit.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
    }
}

async fn run(
    listeners: Vec<TcpListener>,
    service: impl HttpService,
    limits: ConnectionLimits,
    connections: Arc<Connections>,
    tls: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    tokio::select! {
        () = connections.accept(&listeners, &service, limits, tls) => {}
        () = connections.sweep(&limits) => {}
        // An error means that the sender was dropped, which also stops the server.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    drop(listeners);
    connections.stop(&limits).await;
}

/// Accepts a connection of any listener. `next` is the listener that is asked first, so that one with many connections does not exclude the
/// others.
async fn accept_any(listeners: &[TcpListener], next: &mut usize) -> io::Result<TcpStream> {
    poll_fn(|context| {
        for offset in 0..listeners.len() {
            let index = (*next + offset) % listeners.len();
            if let Poll::Ready(accepted) = listeners[index].poll_accept(context) {
                *next = index + 1;
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    })
    .await
}

/// The open connections.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<HashMap<u64, Arc<ConnectionState>>>,
    next_id: AtomicU64,
    /// Notified when a connection has ended.
    ended: Notify,
    gauge: ConnectionGauge,
}

/// Removes a connection from the open ones when it is dropped, also after a panic.
struct Registration {
    connections: Arc<Connections>,
    id: u64,
    _counted: OpenConnection,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
        self.connections.ended.notify_one();
    }
}

impl Connections {
    fn new(gauge: ConnectionGauge) -> Arc<Self> {
        Arc::new(Self { gauge, ..Self::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<ConnectionState>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn accept(
        self: &Arc<Self>,
        listeners: &[TcpListener],
        service: &impl HttpService,
        limits: ConnectionLimits,
        tls: Option<TlsAcceptor>,
    ) {
        let max_connections = limits.max_connections();
        let mut next = 0;
        loop {
            match accept_any(listeners, &mut next).await {
                Ok(stream) => {
                    self.make_room(max_connections).await;
                    let _ = stream.set_nodelay(true);
                    let state = Arc::new(ConnectionState::new());
                    if let Some(acceptor) = &tls {
                        let stream = DetectedStream::new(stream, acceptor.clone(), Arc::clone(&state));
                        self.spawn(stream, state, service.clone(), limits);
                    } else {
                        self.spawn(stream, state, service.clone(), limits);
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // The process or the system has no free file descriptors.
                    tracing::warn!(%error, "failed to accept a connection");
                    self.close_oldest();
                    sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    fn spawn(
        self: &Arc<Self>,
        stream: impl Transport,
        state: Arc<ConnectionState>,
        service: impl HttpService,
        limits: ConnectionLimits,
    ) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Arc::clone(&state));
        let registration = Registration { connections: Arc::clone(self), id, _counted: self.gauge.open() };
        tokio::spawn(async move {
            serve(stream, service, state, limits).await;
            drop(registration);
        });
    }

    /// Closes connections until there is room for another one. If all serve requests that are whole, it waits until one has finished.
    async fn make_room(&self, max_connections: usize) {
        while self.lock().len() >= max_connections {
            self.close_oldest();
            let _ = timeout(RETRY_INTERVAL, self.ended.notified()).await;
        }
    }

    /// Closes the oldest of the idle and half-open connections. Without one, it ends the wait for the request body that has made no
    /// progress for the longest time.
    fn close_oldest(&self) {
        let open = self.lock();
        // Of those that became so in the same millisecond, it is the one that was accepted first.
        let disposable = open.iter().filter_map(|(id, state)| Some((state.disposable_since()?, id, state)));
        if let Some((_, _, state)) = disposable.min_by_key(|&(since, id, _)| (since, id)) {
            return state.changed.notify_one();
        }
        let bodies = open.iter().filter_map(|(id, state)| Some((id, state.body()?)));
        let waiting = bodies.filter_map(|(id, body)| Some((body.waiting_since()?, id, body)));
        if let Some((since, _, body)) = waiting.min_by_key(|&(since, id, _)| (since, id))
            && has_passed(STALLED_BODY, since, now())
        {
            body.time_out();
        }
    }

    /// Checks the limits of time of all connections, at intervals.
    async fn sweep(&self, limits: &ConnectionLimits) {
        let interval = limits.sweep_interval();
        loop {
            sleep(interval).await;
            let now = now();
            for state in self.lock().values() {
                state.check(limits, now);
            }
        }
    }

    /// Ends all connections. Those that serve a request finish it within the limit.
    async fn stop(&self, limits: &ConnectionLimits) {
        for state in self.lock().values() {
            state.stop();
        }
        if self.wait_until_closed(limits.stop).await {
            return;
        }
        tracing::warn!("requests were still running when the server stopped");
        for state in self.lock().values() {
            state.expire();
        }
        self.wait_until_closed(CLOSE_TIMEOUT).await;
    }

    /// Returns whether all connections were closed within that time.
    async fn wait_until_closed(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.lock().is_empty() {
            if timeout_at(deadline, self.ended.notified()).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// Returns whether the failure to accept concerns one connection only, which its client has closed already.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionRefused | Kind::ConnectionAborted | Kind::ConnectionReset)
}
