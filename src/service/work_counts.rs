//! The unfinished work of all projects, as the metrics show it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::db;
use crate::db::pool::Pool;
use crate::metrics::WorkSample;

/// How long the counts are used before they are read again, so that many readers cost no more than one.
const TTL: Duration = Duration::from_secs(1);
/// How long the counts are waited for. It is shorter than the time that Prometheus waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The counts that were read last, and when. The lock lets one caller at a time read them.
#[derive(Debug, Default)]
pub struct WorkCounts(Mutex<Option<(Instant, Option<WorkSample>)>>);

impl WorkCounts {
    /// Returns the counts; `None` while the database does not answer.
    pub(super) async fn current(&self, pool: &Pool) -> Option<WorkSample> {
        let mut last = self.0.lock().await;
        if let Some((at, counts)) = &*last
            && at.elapsed() < TTL
        {
            return *counts;
        }
        let counts = match timeout(TIMEOUT, read(pool)).await {
            Ok(Ok(counts)) => Some(counts),
            Ok(Err(error)) => {
                tracing::debug!(%error, "failed to count the unfinished work");
                None
            }
            Err(_) => None,
        };
        *last = Some((Instant::now(), counts));
        counts
    }
}

async fn read(pool: &Pool) -> Result<WorkSample, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let counts = db::unfinished_work::count(&mut connection).await?;
    connection.release();
    Ok(counts)
}
