use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::management::Managed;
use crate::http::state::AppState;
use crate::objects::metadata_schema::write_event;
use crate::service::{Error, Resource};

/// GET /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId} (get-custom-event-schema)
pub async fn handle(
    State(app): State<AppState>,
    Managed(caller): Managed,
    InnerId(id): InnerId,
) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    let found = if id.can_exist() {
        db::event_schemas::find(&mut connection, caller.project, id.as_str()).await?
    } else {
        None
    };
    connection.release();
    let found = found.ok_or_else(|| Error::not_found(Resource::EventSchema, id.as_str()))?;
    Ok(answer::json(|out| write_event(out, &found)))
}
