use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::domain::project::DEFAULT_CLUSTER;
use crate::http::answer;
use crate::http::auth::ManagementCaller;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::project;
use crate::service::projects;

/// POST /management/v1/projects (create-project)
pub async fn handle(State(app): State<AppState>, caller: ManagementCaller, body: Json) -> Result<Response, ApiError> {
    let new = body.read(request::new_project)?;
    // The emulator has no regions. Only in strict mode it refuses those that the vendor would refuse.
    if app.is_strict && new.settings.cluster_id != DEFAULT_CLUSTER {
        return Err(ApiError::new(ErrorKind::Forbidden).with_details("Project is bound to different region"));
    }
    let (mut created, keys) = projects::create(&app.core, caller.organisation, new).await?;
    created.is_strict |= app.is_strict;
    Ok(answer::json_sized(2048, |out| project::write_created(out, &created, &keys)))
}
