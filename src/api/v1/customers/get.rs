use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::scheme::Scheme;
use crate::http::state::AppState;
use crate::objects::customer;
use crate::service::{Caller, Error, Resource};

/// GET /v1/customers/{customerId} (get-customer)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    scheme: Scheme,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let found = app.core.batches.find_customer(caller.project, &id).await?;
    let found = found.ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))?;
    let cockpit_url = format!("{}/_emulator/cockpit/{}", scheme.origin(&app.authority), found.id);
    Ok(answer::json(|out| customer::write_with_assets(out, &found, &cockpit_url)))
}
