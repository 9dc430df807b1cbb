use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::metadata_schema::write_event;
use crate::service::{Caller, event_schemas};

/// GET /_emulator/custom-event-schemas/{schemaId} (emulator-get-custom-event-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = event_schemas::get(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| write_event(out, &found)))
}
