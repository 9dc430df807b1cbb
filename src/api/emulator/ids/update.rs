use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::SEED_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, Object, answer};
use crate::objects::control;
use crate::service::{Caller, identifiers};

/// PUT /_emulator/ids (emulator-seed-ids)
pub async fn handle(State(app): State<AppState>, caller: Caller, Json(body): Json) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let seed = body.required_text("seed", 1, SEED_CHARS)?;
    body.refuse_unknown()?;
    identifiers::set_seed(&app.core, &caller, Some(&seed)).await?;
    // Invalidate the cache, so that the next request to this process uses the seed.
    app.authenticator.invalidate_cache();
    Ok(answer::json(|out| control::write_ids(out, Some(&seed))))
}
