use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::domain::limits::LISTED_PROJECTS;
use crate::http::answer;
use crate::http::auth::ManagementCaller;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::objects::{list, project};

/// GET /management/v1/projects (list-projects)
///
/// Lists the newest projects first, as in the vendor's example. The list has no pages: when there are more than
/// [`LISTED_PROJECTS`] projects, the oldest are not shown.
pub async fn handle(State(app): State<AppState>, caller: ManagementCaller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    let (mut projects, total) = db::projects::list(&mut connection, caller.organisation, LISTED_PROJECTS).await?;
    connection.release();
    for project in &mut projects {
        project.is_strict |= app.is_strict;
    }
    Ok(answer::json_sized(2048 * projects.len(), |out| {
        list::write(out, "data", &projects, project::write, total, None);
    }))
}
