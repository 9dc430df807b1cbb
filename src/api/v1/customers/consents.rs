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
    let members = body.take_members();
    if members.is_empty() {
        return Err(ApiError::invalid_payload("The payload cannot be empty"));
    }
    if members.len() > limits::CONSENTS_PER_CALL {
        let details = format!("Payload must NOT have more than {} properties", limits::CONSENTS_PER_CALL);
        return Err(ApiError::invalid_payload(details));
    }
    let mut consents = Vec::with_capacity(members.len());
    let mut unsubscribed = false;
    for (id, value) in members {
        let Value::Bool(given) = value else {
            return Err(ApiError::invalid_payload(format!("Property .{id} must be boolean")));
        };
        if id == "unsubscribed" {
            unsubscribed = given;
        } else if id.is_empty() || id.contains('\0') || id.chars().count() > limits::TEXT_CHARS {
            return Err(ApiError::invalid_payload("A consent id must have 1 to 500 characters and no U+0000"));
        } else {
            consents.push((id, given));
        }
    }
    Ok(if unsubscribed { ConsentChange::RevokeAll } else { ConsentChange::Set(consents) })
}
