use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::TEXT_CHARS;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::{answer, definitions};
use crate::objects::metadata_schema::{Style, write};
use crate::service::Caller;
use crate::service::metadata_schemas::{self, NewMetadataSchema};

/// POST /v1/metadata-schemas (create-metadata-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, Json(body): Json) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let new = NewMetadataSchema {
        related_object: body.required_text("related_object", 1, TEXT_CHARS)?,
        properties: definitions::of_metadata(&mut body)?,
        allow_defined_only: body.boolean("allow_defined_only")?.value(),
    };
    let created = metadata_schemas::create(&app.core, &caller, &new).await?;
    Ok(answer::json(|out| write(out, &created, Style::Server)))
}
