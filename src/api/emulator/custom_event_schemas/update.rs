use axum::extract::State;
use axum::response::Response;

use crate::api::metadata_definitions;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, answer};
use crate::objects::metadata_schema::write_event;
use crate::service::{Caller, event_schemas};

/// PUT /_emulator/custom-event-schemas/{schemaId} (emulator-update-custom-event-schema)
///
/// The `name` in the body is ignored: the vendor's request has none.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let properties = body.read(|mut body| {
        body.ignore(&["name"]);
        metadata_definitions::event_schema_definitions(&mut body)
    })?;
    let saved = event_schemas::update(&app.core, &caller, &id, &properties).await?;
    Ok(answer::json(|out| write_event(out, &saved)))
}
