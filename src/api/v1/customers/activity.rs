use axum::extract::State;
use axum::response::Response;

use super::activity_query;
use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Query};
use crate::http::state::AppState;
use crate::objects::{self, list};
use crate::service::{Caller, Error, Resource};

/// GET /v1/customers/{customerId}/activity (list-customer-activity)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, ApiError> {
    let activity = query.read(|query| activity_query::read(query, &["created_at", "-created_at"]))?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let customer = db::customers::find(&mut connection, caller.project, &id).await?;
    let customer = customer.ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))?;
    let mut entries = db::activity_list::list(&mut connection, caller.project, &customer.id, &activity).await?;
    connection.release();

    let has_more = activity_query::trim_to_limit(&mut entries, activity.limit);
    let more_starting_after = entries.last().filter(|_| has_more).map(|entry| entry.id.as_str());
    Ok(answer::json_sized(activity_query::estimated_bytes(&entries), |out| {
        list::write_continued(out, &entries, objects::activity::write, more_starting_after);
    }))
}
