//! Processes that this program inherits as process 1 of a container.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::postgres::{inherits_processes, reap_inherited};

/// How often it is checked at least whether inherited processes have ended: several may end with one signal.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Removes inherited processes that have ended from the table of processes, if this process inherits any. Such are the processes of a
/// PostgreSQL that was killed. Otherwise an init process in the container would have to do it.
pub async fn reap_inherited_processes() {
    if !inherits_processes() {
        return;
    }
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    loop {
        reap_inherited();
        let _ = timeout(CHECK_INTERVAL, ended.recv()).await;
    }
}
