use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::webhook_deliveries::{DeliveryFilter, DeliveryStatus};
use crate::http::state::AppState;
use crate::http::{ApiError, Query, answer};
use crate::objects::list;
use crate::objects::webhook::write_delivery;
use crate::service::Caller;

/// GET /_emulator/webhooks/deliveries (emulator-list-webhook-deliveries)
///
/// Lists the newest deliveries first. Query parameters: `webhook_id`, `status`, `limit`, `starting_after_id`.
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (limit, filter) = query.read(|query| {
        let limit = query.limit()?;
        let status = query.one_of("status", &DeliveryStatus::NAMES)?;
        let filter = DeliveryFilter {
            webhook_id: query.text("webhook_id")?,
            status: status.and_then(DeliveryStatus::parse),
            starting_after_id: query.text("starting_after_id")?,
        };
        Ok((limit, filter))
    })?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let mut deliveries = db::webhook_deliveries::list(&mut connection, caller.project, &filter, limit).await?;
    connection.release();
    let has_more = i64::try_from(deliveries.len()).is_ok_and(|count| count > limit);
    deliveries.truncate(usize::try_from(limit).unwrap_or_default());
    let last = deliveries.last().filter(|_| has_more).map(|last| last.id.as_str());
    Ok(answer::json(|out| list::write_continued(out, &deliveries, write_delivery, last)))
}
