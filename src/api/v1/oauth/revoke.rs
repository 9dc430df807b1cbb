use axum::extract::State;
use axum::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::state::AppState;
use crate::service::{Caller, oauth};

/// POST /v1/oauth/token/revoke (revoke-oauth-token)
///
/// An unknown token is answered with 404 without a body, as in the vendor's API.
pub async fn handle(State(app): State<AppState>, caller: Caller, form: Form) -> Result<StatusCode, ApiError> {
    let access_token = form.read(|fields| fields.required_text("access_token"))?;
    if !oauth::revoke(&app.core, &caller, &access_token).await? {
        return Ok(StatusCode::NOT_FOUND);
    }
    Ok(StatusCode::NO_CONTENT)
}
