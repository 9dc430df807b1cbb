use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use crate::domain::consent::ConsentChange;
use crate::domain::limits;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::service::{Caller, consents};

/// The member that revokes all consents, and therefore cannot be the id of one.
pub const UNSUBSCRIBED: &str = "unsubscribed";

/// PUT /v1/customers/{customerId}/consents (update-customers-consents), and
/// PUT /client/v1/customers/{customerId}/consents (update-customers-consents-client-side)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    body: Json,
) -> Result<StatusCode, ApiError> {
    let change = body.read(consent_change)?;
    consents::update(&app.core, &caller, &id, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads an object that maps consent ids to whether the consent is given. `"unsubscribed": true` revokes all consents, and the other
/// members are then ignored.
fn consent_change(mut body: Object<'_>) -> Result<ConsentChange, ApiError> {
    let mut consents = given_consents(&mut body)?;
    if consents.is_empty() {
        return Err(ApiError::invalid_payload("The payload cannot be empty"));
    }
    if consents.len() > limits::CONSENTS_PER_CALL {
        let details = format!("Payload must NOT have more than {} properties", limits::CONSENTS_PER_CALL);
        return Err(ApiError::invalid_payload(details));
    }
    let unsubscribed = consents.iter().any(|(id, given)| id == UNSUBSCRIBED && *given);
    consents.retain(|(id, _)| id != UNSUBSCRIBED);
    Ok(if unsubscribed { ConsentChange::RevokeAll } else { ConsentChange::Set(consents) })
}

/// Reads the members of an object, which are consent ids with whether the consent is given.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn given_consents(body: &mut Object<'_>) -> Result<Vec<(String, bool)>, ApiError> {
    let path = body.path_of("");
    let members = body.take_members();
    let mut consents = Vec::with_capacity(members.len());
    for (id, value) in members {
        let Value::Bool(given) = value else {
            return Err(ApiError::invalid_payload(format!("Property {path}{id} must be boolean")));
        };
        if id.is_empty() || id.contains('\0') || id.chars().count() > limits::TEXT_CHARS {
            return Err(ApiError::invalid_payload("A consent id must have 1 to 500 characters and no U+0000"));
        }
        consents.push((id, given));
    }
    Ok(consents)
}
