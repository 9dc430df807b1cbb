use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::TEXT_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::ObjectWriter;
use crate::service::{Caller, metadata_schemas};

/// POST /_emulator/metadata-schemas/{resource}/purge (emulator-purge-metadata-schema)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let key = Object::of_body(body)?.required_text("key", 1, TEXT_CHARS)?;
    let done = metadata_schemas::purge(&app.core, &caller, &id, &key).await?;
    let message = format!("Updated {} {}s.", done.count, done.resource.as_str());
    Ok(answer::json(|out| {
        ObjectWriter::new(out).text("message", &message).number("done_count", done.count).end();
    }))
}
