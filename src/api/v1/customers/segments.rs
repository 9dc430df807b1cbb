use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::{list, segment};
use crate::service::{Caller, segments};

/// GET /v1/customers/{customerId}/segments (list-customer-segments)
///
/// An unknown id is not an error: it is answered like a customer without any data.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let customer = db::customers::find(&mut connection, caller.project, &id).await?;
    let segments = segments::of_customer(&app.core, &mut connection, &caller, customer.as_ref()).await?;
    connection.release();
    let total = i64::try_from(segments.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &segments, segment::write_simple, total, None)))
}
