//! Removes what deleted projects, finished jobs, ended deliveries and customers that were never confirmed leave behind.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::service::{Core, jobs, projects, unconfirmed_customers, webhooks};

/// How often expired data is removed.
const CLEANUP_INTERVAL: Duration = Duration::from_mins(10);
/// How long the removal of deleted projects waits after another writer blocked it: a connection of a process that has
/// ended, for example, whose last statement still runs.
const BLOCKED_REMOVAL_DELAY: Duration = Duration::from_millis(100);

/// Removes expired job results, webhook deliveries and unconfirmed customers periodically.
pub(super) async fn delete_expired(core: Arc<Core>) {
    loop {
        let expired = async {
            jobs::expire(&core).await?;
            webhooks::expire(&core).await?;
            unconfirmed_customers::expire(&core).await
        };
        if let Err(error) = expired.await {
            tracing::debug!(%error, "failed to expire old job results, webhook deliveries and unconfirmed customers");
        }
        sleep(CLEANUP_INTERVAL).await;
    }
}

/// Removes the rows of deleted projects whenever the listener reports work, and until none is left.
pub(super) async fn remove_projects(core: Arc<Core>, mut woken: watch::Receiver<()>) {
    loop {
        // Register interest before querying, so that a notification sent while the query runs still wakes this task.
        woken.mark_unchanged();
        match projects::purge_deleted(&core).await {
            Ok(true) => {}
            Ok(false) => {
                sleep(BLOCKED_REMOVAL_DELAY).await;
                continue;
            }
            Err(error) => tracing::debug!(%error, "failed to remove the rows of deleted projects"),
        }
        // The listener wakes this task every few seconds as long as rows are left, so a failure is retried.
        if woken.changed().await.is_err() {
            return;
        }
    }
}
