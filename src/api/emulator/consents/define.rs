use axum::extract::State;
use axum::response::Response;

use super::id;
use crate::domain::identifier::Identifier;
use crate::domain::limits::{DESCRIPTION_CHARS, TEXT_CHARS};
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::consent;
use crate::service::Caller;
use crate::service::consents::{self, NewConsent};

/// PUT /_emulator/consents/{consentId} (emulator-define-consent)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let new = body.read(|body| new_consent(&id, body))?;
    let defined = consents::define(&app.core, &caller, new).await?;
    Ok(answer::json(|out| consent::write(out, &defined)))
}

fn new_consent(id: &Identifier, mut body: Object<'_>) -> Result<NewConsent, ApiError> {
    let id = id::validate(id, "consent")?;
    if id == "unsubscribed" {
        // Reject this id, because in a customer's consents it means all consents.
        return Err(ApiError::invalid_payload("A consent id must NOT be unsubscribed"));
    }
    let (name, description, category) = content(&mut body)?;
    Ok(NewConsent { id, name, description, category })
}

/// Reads the name, the description and the category of a consent.
pub(crate) fn content(body: &mut Object) -> Result<(String, String, String), ApiError> {
    Ok((
        body.required_text("name", 1, TEXT_CHARS)?,
        body.optional_text("description", DESCRIPTION_CHARS)?.unwrap_or_default(),
        body.optional_text("category", TEXT_CHARS)?.unwrap_or_default(),
    ))
}
