use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::domain::filter::FieldKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Query};
use crate::http::state::AppState;
use crate::objects::list;
use crate::service::{Caller, Error, Resource};

/// Returns the kind of a field that the vendor's filters accept.
fn filter_field(name: &str) -> Option<((), FieldKind)> {
    match name {
        "id" | "redeemable_id" | "redeemable_object" | "holder_role" | "campaign_id" | "campaign_type"
        | "voucher_type" => Some(((), FieldKind::Text)),
        "created_at" => Some(((), FieldKind::Moment)),
        _ => None,
    }
}

/// GET /v1/customers/{customerId}/redeemables (list-customer-redeemables)
///
/// Returns an empty list, because the emulator has no vouchers and no campaigns.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, ApiError> {
    query.read(|query| {
        query.filter_of(filter_field)?;
        query.limit()?;
        query.one_of("order", &["id", "-id"])?;
        query.text("starting_after_id")
    })?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let customer = db::customers::find(&mut connection, caller.project, &id).await?;
    connection.release();
    customer.ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))?;
    Ok(answer::json(list::write_empty))
}
