//! Checks the database while it fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::service::Core;

/// The interval of the checks during an outage. While the database works, nothing is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the database during each outage, until it works again.
pub(super) async fn watch(core: Arc<Core>) {
    loop {
        core.database_health.wait_for_outage().await;
        loop {
            sleep(CHECK_INTERVAL).await;
            if core.database_health.check(&core.pool).await {
                break;
            }
        }
    }
}
