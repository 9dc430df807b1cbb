use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::state::AppState;
use crate::objects::oauth::write_introspection;
use crate::service::{Caller, oauth};

/// POST /v1/oauth/introspect (introspect-oauth-token)
pub async fn handle(State(app): State<AppState>, caller: Caller, form: Form) -> Result<Response, ApiError> {
    let access_token = form.read(|fields| fields.required_text("access_token"))?;
    let token = oauth::introspect(&app.core, &caller, &access_token).await?;
    let now = app.core.now(&caller);
    Ok(answer::json(|out| write_introspection(out, &access_token, token.as_ref(), now)))
}
