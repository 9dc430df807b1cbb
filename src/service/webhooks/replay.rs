//! Replay of a delivery.

use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::webhook::StoredDelivery;
use crate::service::pending_work::WorkKind;
use crate::service::{Caller, Core, Error, Resource};

/// Queues a delivery again. The record of its earlier attempts stays.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn replay(core: &Core, caller: &Caller, id: &Identifier) -> Result<StoredDelivery, Error> {
    let not_found = || Error::not_found(Resource::WebhookDelivery, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    core.pending_work.note(&core.pool, caller.project, WorkKind::Delivery).await?;
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let (now, trace) = (core.now(caller), caller.trace.as_deref());
    let replayed = db::webhook_deliveries::requeue(&mut connection, caller.project, id.as_str(), now, trace).await?;
    let found =
        if replayed { db::webhook_deliveries::find(&mut connection, caller.project, id.as_str()).await? } else { None };
    connection.release();
    core.delivery_notifier.notify();
    found.ok_or_else(not_found)
}
