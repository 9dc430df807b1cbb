//! Waiting for the background work of a project.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Caller, Core, Error};
use crate::db;

/// The first interval between two checks. Each interval is longer than the previous one.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(2);
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the project has no unfinished jobs and no due webhook deliveries. Returns `false` when it still has some after `timeout`.
///
/// # Errors
/// Returns an error when a database query fails.
pub async fn wait_until_idle(core: &Core, caller: &Caller, timeout: Duration) -> Result<bool, Error> {
    let (mut interval, deadline) = (MIN_POLL_INTERVAL, Instant::now() + timeout);
    loop {
        let mut connection = core.pool.acquire_for(caller.project).await?;
        let jobs = db::jobs::count_unfinished(&mut connection, caller.project).await?;
        let unsent = db::webhook_deliveries::count_overdue(&mut connection, caller.project, core.now(caller)).await?;
        connection.release();
        if jobs == 0 && unsent == 0 {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(interval).await;
        interval = MAX_POLL_INTERVAL.min(interval.mul_f32(1.5));
    }
}
