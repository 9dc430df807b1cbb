use axum::extract::State;
use axum::response::Response;

use crate::domain::metadata_schema::MetadataSchemaChange;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::http::{answer, definitions};
use crate::objects::metadata_schema::{Style, write};
use crate::service::{Caller, metadata_schemas};

/// PUT /v1/metadata-schemas/{resource} (update-metadata-schema)
///
/// The body's `related_object` is ignored: it cannot be changed.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let change = MetadataSchemaChange {
        properties: definitions::of_metadata(&mut body)?,
        allow_defined_only: body.boolean("allow_defined_only")?,
    };
    let saved = metadata_schemas::update(&app.core, &caller, &id, &change).await?;
    Ok(answer::json(|out| write(out, &saved, Style::Server)))
}
