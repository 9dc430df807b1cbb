use axum::extract::State;
use axum::response::Response;

use super::id;
use crate::domain::identifier::Identifier;
use crate::domain::limits::{CONSENTS_PER_CALL, DESCRIPTION_CHARS, TEXT_CHARS};
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::consent;
use crate::service::Caller;
use crate::service::consents::{self, NewConsentGroup};

/// PUT /_emulator/consent-groups/{groupId} (emulator-define-consent-group)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let new = body.read(|body| new_group(&id, body))?;
    let defined = consents::define_group(&app.core, &caller, new).await?;
    Ok(answer::json(|out| consent::write_group(out, &defined)))
}

fn new_group(id: &Identifier, mut body: Object<'_>) -> Result<NewConsentGroup, ApiError> {
    let id = id::validate(id, "consent group")?;
    let (name, description, consents) = content(&mut body)?;
    Ok(NewConsentGroup { id, name, description, consents })
}

/// Reads the name, the description and the consents of a group.
pub(crate) fn content(body: &mut Object) -> Result<(String, String, Vec<String>), ApiError> {
    let name = body.required_text("name", 1, TEXT_CHARS)?;
    let description = body.optional_text("description", DESCRIPTION_CHARS)?.unwrap_or_default();
    body.require("consents")?;
    let consents = body.identifiers("consents", CONSENTS_PER_CALL)?;
    let array = || ApiError::invalid_payload(format!("Property {} must be array", body.path_of("consents")));
    Ok((name, description, consents.ok_or_else(array)?))
}
