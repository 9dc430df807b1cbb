//! The limits of connections, and how many file descriptors they may use.

use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long a client may take to send the head of a request, or to make the handshake of TLS, from its first byte.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request body may make no progress.
pub const BODY_PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to send a whole request body.
pub const BODY_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a connection may be open without a request. It is longer than clients keep a connection for their next request, because a
/// request that is sent while the server closes the connection is lost: `OkHttp` keeps one for 5 minutes, older clients of Java for 20.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(30);
/// How long a client may keep a connection for its next request, as answers announce it.
pub const ANNOUNCED_IDLE_TIME: Duration = Duration::from_mins(10);
/// How long a client may receive nothing of an answer that waits to be sent. It is long, because a client that reads slowly makes room in
/// the buffers of the system at long intervals only.
pub const RECEIVE_TIMEOUT: Duration = Duration::from_mins(10);
/// How long the rest of an unwanted request body is discarded before the answer.
pub const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes of an unwanted request body are discarded before the answer.
pub const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// How long data is discarded after the last answer of a connection whose client is still sending.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long requests in flight may take when the server stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// The largest number of connections, if there are enough file descriptors.
pub const MAX_CONNECTIONS: usize = 10_000;
/// The smallest number of connections.
const MIN_CONNECTIONS: usize = 16;

/// The limits of the connections of a server.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// See [`HEAD_TIMEOUT`].
    pub head: Duration,
    /// See [`BODY_PROGRESS_TIMEOUT`].
    pub body_progress: Duration,
    /// See [`BODY_TIMEOUT`].
    pub body: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle: Duration,
    /// See [`ANNOUNCED_IDLE_TIME`]. Nothing is announced for less than a second.
    pub announced_idle: Duration,
    /// See [`RECEIVE_TIMEOUT`].
    pub receive: Duration,
    /// See [`DISCARD_TIMEOUT`].
    pub discard: Duration,
    /// See [`LINGER_TIMEOUT`].
    pub linger: Duration,
    /// See [`STOP_TIMEOUT`].
    pub stop: Duration,
    /// How many connections may be open; `None` derives the number from the file descriptors of the process.
    pub connections: Option<usize>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            head: HEAD_TIMEOUT,
            body_progress: BODY_PROGRESS_TIMEOUT,
            body: BODY_TIMEOUT,
            idle: IDLE_TIMEOUT,
            announced_idle: ANNOUNCED_IDLE_TIME,
            receive: RECEIVE_TIMEOUT,
            discard: DISCARD_TIMEOUT,
            linger: LINGER_TIMEOUT,
            stop: STOP_TIMEOUT,
            connections: None,
        }
    }
}

impl ConnectionLimits {
    /// Returns how many connections may be open. Without a configured number that is half of the file descriptors: the other half is for
    /// the database, files, and the receivers of webhooks.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        let derived = || getrlimit(Resource::Nofile).current.map_or(MAX_CONNECTIONS, connections_of);
        self.connections.unwrap_or_else(derived)
    }

    /// Returns the interval of the sweep, which is an eighth of the shortest limit, and at most a second.
    pub(super) fn sweep_interval(&self) -> Duration {
        let limits = [self.head, self.body_progress, self.body, self.idle, self.receive, self.linger];
        let shortest = limits.into_iter().min().unwrap_or_default();
        (shortest / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

fn connections_of(descriptors: u64) -> usize {
    usize::try_from(descriptors / 2).map_or(MAX_CONNECTIONS, |half| half.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS))
}

/// Raises the soft limit of file descriptors of this process to the hard limit. Programs that it starts inherit the limit.
///
/// # Errors
/// When the system refuses; the process then continues with the limit that it has.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_descriptors_are_for_connections() {
        assert_eq!([8, 256, 1024, 1 << 40].map(connections_of), [16, 128, 512, 10_000]);
    }

    #[test]
    fn the_sweep_is_more_frequent_than_the_shortest_limit() {
        assert_eq!(ConnectionLimits::default().sweep_interval(), Duration::from_millis(250));
        let short = ConnectionLimits { head: Duration::from_millis(1), ..ConnectionLimits::default() };
        assert_eq!(short.sweep_interval(), Duration::from_millis(5));
    }
}
