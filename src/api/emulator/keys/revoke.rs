use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::credential::Family;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, InnerId};
use crate::service::{Caller, Error, Resource, keys};

/// DELETE /_emulator/keys/{family}/{appId} (emulator-revoke-key)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(family): Id,
    InnerId(app_id): InnerId,
) -> Result<StatusCode, ApiError> {
    let family = Family::parse(family.as_str()).ok_or_else(|| Error::not_found(Resource::Key, app_id.as_str()))?;
    keys::revoke(&app.core, &caller, family, &app_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
