//! The transaction that replaces all rows of a project.

use std::time::Duration;

use tokio::time::sleep;

use super::rules::ExclusiveTransaction;
use super::{Caller, Core, Error};
use crate::db;

/// How long to wait before the transaction is tried again, because a job is running.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Begins a transaction that excludes all other writers of the project, and in which no job of the project runs. A job that
/// waits may be deleted; a worker that has found it before finds no job then.
///
/// An export reads without the rules lock and holds the lock of its job, so this waits for its end. It holds no connection
/// and no lock meanwhile, because the export needs the rules lock to end. The other jobs of the project do not start.
pub(super) async fn begin(core: &Core, caller: &Caller) -> Result<ExclusiveTransaction, Error> {
    let _paused = core.job_scheduler.pause(caller.project);
    loop {
        let mut exclusive = begin_locked(core, caller).await?;
        if db::project_copies::try_lock_unfinished_jobs(exclusive.connection(), caller.project).await? {
            return Ok(exclusive);
        }
        exclusive.roll_back().await;
        sleep(RETRY_INTERVAL).await;
    }
}

/// Begins a transaction that excludes all writers of the project, also those that write without the rules lock.
pub(super) async fn begin_locked(core: &Core, caller: &Caller) -> Result<ExclusiveTransaction, Error> {
    let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
    if !db::project_copies::lock(exclusive.connection(), caller.project).await? {
        return Err(Error::AccessRevoked);
    }
    Ok(exclusive)
}
