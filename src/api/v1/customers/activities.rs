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

const SORT_ORDERS: [&str; 12] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "type",
    "-type",
    "code",
    "-code",
    "campaign",
    "-campaign",
    "category",
    "-category",
];

/// GET /v1/customers/{customerId}/activities (list-customer-activities)
///
/// The vendor has deprecated this endpoint. It returns the total number of entries, while its replacement,
/// list-customer-activity, returns only whether there are more.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, ApiError> {
    let activity = query.read(|query| activity_query::read(query, &SORT_ORDERS))?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let customer = db::customers::find(&mut connection, caller.project, &id).await?;
    let customer = customer.ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))?;
    let (mut entries, total) =
        db::activity_list::list_with_total(&mut connection, caller.project, &customer.id, &activity).await?;
    connection.release();

    activity_query::trim_to_limit(&mut entries, activity.limit);
    Ok(answer::json_sized(activity_query::estimated_bytes(&entries), |out| {
        list::write(out, "data", &entries, objects::activity::write, total, None);
    }))
}
