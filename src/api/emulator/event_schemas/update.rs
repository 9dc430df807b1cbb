use axum::extract::State;
use axum::response::Response;

use crate::api::definitions;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::metadata_schema::write_event;
use crate::service::{Caller, event_schemas};

/// PUT /_emulator/custom-event-schemas/{schemaId} (emulator-update-custom-event-schema)
///
/// The body's `name` is ignored: the vendor's call has none.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let properties = definitions::of_event_schema(&mut body)?;
    let saved = event_schemas::update(&app.core, &caller, &id, &properties).await?;
    Ok(answer::json(|out| write_event(out, &saved)))
}
