use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::{CHECKED_VALUE_CHARS, CHECKED_VALUES, MIN_CHECKED_VALUE_CHARS};
use crate::http::state::AppState;
use crate::http::{ApiError, Json, Object, answer};
use crate::objects::erasure_check::write;
use crate::service::{Caller, erasure_check};

/// POST /_emulator/erasure-check (emulator-check-erasure)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let values = body.read(values)?;
    let check = erasure_check::check(&app.core, &caller, &values).await?;
    Ok(answer::json(|out| write(out, &check)))
}

fn values(mut body: Object<'_>) -> Result<Vec<String>, ApiError> {
    body.require("values")?;
    let values = body.texts("values", CHECKED_VALUES)?;
    let values = values.ok_or_else(|| ApiError::invalid_payload("Property .values must be array"))?;
    if values.is_empty() {
        return Err(ApiError::invalid_payload("Property .values must NOT have fewer than 1 items"));
    }
    for (index, value) in values.iter().enumerate() {
        let chars = value.chars().count();
        let wrong = |what: String| ApiError::invalid_payload(format!("Property .values[{index}] must NOT have {what}"));
        if chars < MIN_CHECKED_VALUE_CHARS {
            return Err(wrong(format!("fewer than {MIN_CHECKED_VALUE_CHARS} characters")));
        }
        if chars > CHECKED_VALUE_CHARS {
            return Err(wrong(format!("more than {CHECKED_VALUE_CHARS} characters")));
        }
    }
    Ok(values)
}
