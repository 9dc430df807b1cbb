use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::objects::list;
use crate::objects::metadata_schema::{Style, write};
use crate::service::Caller;

/// GET /v1/metadata-schemas (list-metadata-schemas)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let schemas = db::metadata_schemas::list(&mut connection, caller.project).await?;
    connection.release();
    let total = i64::try_from(schemas.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| {
        list::write(out, "schemas", &schemas, |out, schema| write(out, schema, Style::Server), total, None);
    }))
}
