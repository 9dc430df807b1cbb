use axum::extract::State;
use axum::response::Response;

use crate::api::metadata_definitions;
use crate::domain::limits::EVENT_NAME_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, Object, answer};
use crate::objects::metadata_schema::write_event;
use crate::service::{Caller, event_schemas};

/// POST /_emulator/custom-event-schemas (emulator-create-custom-event-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, Json(body): Json) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let name = body.required_text("name", 1, EVENT_NAME_CHARS)?;
    let properties = metadata_definitions::event_schema_definitions(&mut body)?;
    let created = event_schemas::create(&app.core, &caller, &name, &properties).await?;
    Ok(answer::json(|out| write_event(out, &created)))
}
