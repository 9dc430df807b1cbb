use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Json, Object, answer};
use crate::objects::snapshot::write_reset;
use crate::service::Caller;
use crate::service::reset::{self, Kept};

/// POST /_emulator/reset (emulator-reset)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let kept = body.read_optional(kept)?;
    let removed = reset::reset(&app.core, &caller, &kept).await?;
    Ok(answer::json(|out| write_reset(out, &removed)))
}

/// Reads `keep`. A name that occurs twice counts once.
fn kept(mut body: Object<'_>) -> Result<Vec<Kept>, ApiError> {
    let names = body.texts("keep", 2 * Kept::NAMES.len())?.unwrap_or_default();
    let mut kept = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let one = Kept::parse(name).ok_or_else(|| {
            let allowed = Kept::NAMES.join(", ");
            ApiError::invalid_payload(format!(
                "Property .keep[{index}] must be equal to one of the allowed values [ {allowed} ]"
            ))
        })?;
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    Ok(kept)
}
