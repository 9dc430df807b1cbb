use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::customer;
use crate::service::{Caller, unconfirmed_customers};

/// POST /_emulator/unconfirmed-customers/{unconfirmedCustomerId}/confirm (emulator-confirm-unconfirmed-customer)
///
/// Stands for the click on the link in the vendor's e-mail.
pub async fn handle(app: State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let confirmed = unconfirmed_customers::confirm(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| customer::write_full(out, &confirmed)))
}
