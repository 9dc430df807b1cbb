//! Removal of deleted webhooks and of old deliveries.

use crate::db;
use crate::db::distribution;
use crate::domain::limits;
use crate::domain::project::ProjectId;
use crate::service::{Core, Error};

/// How many deliveries one statement removes.
const ROWS_PER_STATEMENT: i64 = 10_000;

/// Removes the rows of a deleted webhook and of all its deliveries.
pub(super) async fn remove_webhook(core: &Core, project: ProjectId, id: &str) -> Result<(), Error> {
    loop {
        let mut connection = core.pool.acquire().await?;
        let removed =
            db::webhook_deliveries::delete_by_webhook(&mut connection, project, id, ROWS_PER_STATEMENT).await?;
        if removed < ROWS_PER_STATEMENT {
            db::webhooks::delete(&mut connection, project, id).await?;
            connection.release();
            return Ok(());
        }
        connection.release();
    }
}

/// Removes deliveries that are older than [`limits::DELIVERY_RETENTION_DAYS`], and the rows of deleted webhooks whose
/// removal was interrupted.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let now = core.clock.now();
    let mut connection = core.pool.acquire().await?;
    let scopes = distribution::scopes(&mut connection, core.pending_work.is_distributed(), "webhooks").await?;
    connection.release();
    for scope in scopes {
        loop {
            let mut connection = core.pool.acquire().await?;
            let removed = db::webhook_deliveries::delete_finished(
                &mut connection,
                now,
                limits::DELIVERY_RETENTION_DAYS,
                ROWS_PER_STATEMENT,
                scope,
            )
            .await?;
            connection.release();
            if removed < ROWS_PER_STATEMENT {
                break;
            }
        }
    }
    let mut connection = core.pool.acquire().await?;
    let deleted = db::webhooks::list_deleted(&mut connection).await?;
    connection.release();
    for (project, id) in deleted {
        remove_webhook(core, project, &id).await?;
    }
    Ok(())
}
