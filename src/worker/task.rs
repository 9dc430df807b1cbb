//! How long-running tasks are stopped, restarted and given up.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a worker waits before it uses the database again after it could not be reached, and before it is restarted
/// after a panic.
pub(super) const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How long the connection that listens, or the one that delivers, waits for an answer before it is closed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits for the signal to stop.
pub(super) async fn wait_for_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender has been dropped, which also means stop.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Runs a task, and drops it at the signal to stop.
pub(super) async fn run_until_stopped(task: impl Future<Output = ()>, mut stopped: watch::Receiver<bool>) {
    tokio::select! { () = wait_for_stop(&mut stopped) => {}, () = task => {} }
}

/// Runs a worker and restarts it if it panics.
pub(super) async fn run_restarting<F: Future<Output = ()> + Send + 'static>(start: impl Fn() -> F) {
    let mut running = JoinSet::new();
    loop {
        running.spawn(start());
        let Some(Err(panic)) = running.join_next().await else { return };
        tracing::error!(%panic, "a worker panicked and is restarted");
        sleep(RETRY_DELAY).await;
    }
}

/// Limits how long a database call may take. A connection whose other end has disappeared may otherwise never report
/// it. The limit is far above what any of these calls takes.
pub(super) async fn with_timeout<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(ANSWER_TIMEOUT, call).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}
