use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::management::Managed;
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::{Error, Resource};

/// GET /management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId} (get-metadata-schema-1)
pub async fn handle(
    State(app): State<AppState>,
    Managed(caller): Managed,
    InnerId(id): InnerId,
) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    let found = db::metadata_schemas::find(&mut connection, caller.project, &id).await?;
    connection.release();
    let found = found.ok_or_else(|| Error::not_found(Resource::MetadataSchema, id.as_str()))?;
    Ok(answer::json(|out| write(out, &found, Style::Management)))
}
