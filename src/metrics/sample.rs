//! What is read when the metrics are asked for.

use super::process::ProcessSample;

/// Numbers that exist elsewhere, at one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    pub pool: PoolSample,
    pub caches: Vec<CacheSample>,
    pub request_log: LogSample,
    /// The work that waits in the database; `None` while the database does not answer.
    pub work: Option<WorkSample>,
    /// `None` where the system does not show it.
    pub process: Option<ProcessSample>,
}

/// The connections of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSample {
    pub idle: usize,
    pub in_use: usize,
    /// How many requests and jobs wait for a connection.
    pub waiting: usize,
    /// How many connections there may be.
    pub limit: usize,
}

/// How many values a cache holds.
#[derive(Clone, Copy, Debug)]
pub struct CacheSample {
    pub cache: &'static str,
    pub entries: u64,
}

/// The request log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSample {
    pub entries: usize,
    pub bytes: usize,
    pub streams: usize,
}

/// The unfinished work of all projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkSample {
    /// Jobs that wait for another job of their project.
    pub jobs_waiting: i64,
    /// Jobs that are the first of their project.
    pub jobs_in_progress: i64,
    /// Deliveries of which an attempt is still to be made.
    pub deliveries_pending: i64,
    /// Deliveries whose last attempt has failed.
    pub deliveries_failed: i64,
}
