use axum::extract::State;
use axum::response::Response;

use crate::api::metadata_definitions;
use crate::domain::limits::EVENT_NAME_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::metadata_schema::write_event;
use crate::service::{Caller, event_schemas};

/// POST /_emulator/custom-event-schemas (emulator-create-custom-event-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let (name, properties) = body.read(|mut body| {
        let name = body.required_text("name", 1, EVENT_NAME_CHARS)?;
        Ok((name, metadata_definitions::event_schema_definitions(&mut body)?))
    })?;
    let created = event_schemas::create(&app.core, &caller, &name, &properties).await?;
    Ok(answer::json(|out| write_event(out, &created)))
}
