//! The settings of the connection pool.

use std::time::Duration;

/// The settings of a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// The maximum number of connections, apart from the few that are reserved for projects that hold none.
    pub connections: u32,
    /// How long a request waits for a connection before its response is 503.
    pub acquire_timeout: Duration,
    /// How long a statement may run before the database cancels it.
    pub statement_timeout: Duration,
}

impl PoolSettings {
    /// Returns how many further connections there are for projects that hold none. A private cluster has room for them.
    pub(super) fn reserved_connections(&self) -> u32 {
        (self.connections / 4).clamp(2, 4)
    }

    /// Returns how long a statement may run that a client has composed, such as a list with filters: less than the time
    /// limit of a request, so that its response says so, and so that a client cannot use connections for that long.
    pub(super) fn composed_statement_timeout(&self) -> Duration {
        self.statement_timeout / 3
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { connections: 8, acquire_timeout: Duration::from_secs(2), statement_timeout: Duration::from_secs(30) }
    }
}
