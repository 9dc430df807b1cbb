use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::SCOPE_CHARS;
use crate::domain::oauth::{TOKEN_LIFETIME, is_valid_scope};
use crate::http::answer;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::form::Form;
use crate::http::state::AppState;
use crate::objects::oauth::write;
use crate::service::{Caller, oauth};

/// POST /v1/oauth/token (generate-oauth-token)
pub async fn handle(State(app): State<AppState>, caller: Caller, form: Form) -> Result<Response, ApiError> {
    let (grant_type, scope) =
        form.read(|fields| Ok((fields.required_text("grant_type")?, fields.required_text("scope")?)))?;
    if grant_type != "client_credentials" {
        return Err(ApiError::new(ErrorKind::InvalidGrantType));
    }
    if scope.chars().count() > SCOPE_CHARS {
        let details = format!("Property .scope must NOT have more than {SCOPE_CHARS} characters");
        return Err(ApiError::invalid_payload(details));
    }
    if !is_valid_scope(&scope) {
        return Err(ApiError::new(ErrorKind::InvalidScope).with_details(scope));
    }
    let (access_token, token) = oauth::issue(&app.core, &caller, scope).await?;
    // Not the time of the clock: the next second may have begun since the token was issued.
    let issued_at = token.expires_at - TOKEN_LIFETIME;
    Ok(answer::json(|out| write(out, &access_token, &token, issued_at)))
}
