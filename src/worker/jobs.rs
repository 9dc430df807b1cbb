//! Runs background jobs, and listens for notifications from every emulator on the database.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::sync::watch;
use tokio::time::sleep;

use super::task::{RETRY_DELAY, with_timeout};
use crate::db::jobs::{Listener, Notification};
use crate::db::session::Database;
use crate::service::jobs::{self, RunOutcome};
use crate::service::{Core, Error};

/// How long the listener waits for a notification before it queries for unfinished work. The query finds jobs whose
/// notification was missed, and jobs whose worker has died.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long a worker waits after it found a job that cannot proceed at the moment.
const BLOCKED_JOB_DELAY: Duration = Duration::from_millis(100);

/// Runs slices of jobs one after the other while there are any, then waits until it is woken.
pub(super) async fn run(core: Arc<Core>, mut woken: watch::Receiver<()>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        // Register interest before querying, so that a notification sent while the query runs still wakes this task.
        woken.mark_unchanged();
        let delay = match jobs::run_next_slice(&core).await {
            Ok(RunOutcome::Progressed) => continue,
            Ok(RunOutcome::NoWork) => None,
            Ok(RunOutcome::RetryLater) => Some(BLOCKED_JOB_DELAY),
            Err(error) => {
                let is_reported = match &error {
                    Error::Database(sqlx::Error::PoolClosed) => true,
                    Error::Database(error) => core.database_health.report_error(error),
                    _ => false,
                };
                if !is_reported {
                    tracing::warn!(%error, "a job worker failed to use the database and will retry");
                }
                Some(RETRY_DELAY)
            }
        };
        let next_attempt = async {
            match delay {
                None => drop(woken.changed().await),
                Some(delay) => sleep(delay).await,
            }
        };
        tokio::select! { () = next_attempt => {}, _ = stopped.wait_for(|stop| *stop) => {} }
    }
}

/// Wakes the workers whenever there is work, and reconnects when the connection is lost.
pub(super) async fn listen(
    core: Arc<Core>,
    database: Database,
    wake: watch::Sender<()>,
    mut stopped: watch::Receiver<bool>,
) {
    while !*stopped.borrow() {
        let connect = with_timeout(Listener::connect(&database));
        let connected =
            tokio::select! { connected = connect => connected, _ = stopped.wait_for(|stop| *stop) => return };
        let outcome = match connected {
            Ok(mut listener) => {
                let forward = forward_notifications(&core, &mut listener, &wake);
                let outcome =
                    tokio::select! { outcome = forward => outcome, _ = stopped.wait_for(|stop| *stop) => Ok(()) };
                listener.close().await;
                outcome
            }
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "failed to listen for notifications");
            tokio::select! { () = sleep(RETRY_DELAY) => {}, _ = stopped.wait_for(|stop| *stop) => {} }
        }
    }
}

async fn forward_notifications(
    core: &Core,
    listener: &mut Listener,
    wake: &watch::Sender<()>,
) -> Result<(), sqlx::Error> {
    loop {
        if with_timeout(listener.has_pending_work()).await? {
            let _ = wake.send(());
        }
        // A random interval spreads the queries of several emulators on one database.
        let interval = POLL_INTERVAL.mul_f64(rand::rng().random_range(0.8..1.2));
        match listener.recv(interval).await? {
            Some(Notification::Job) => drop(wake.send(())),
            Some(Notification::Delivery) => core.delivery_notifier.notify_remote(),
            None => {}
        }
    }
}
