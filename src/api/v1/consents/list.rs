use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::objects::consent;
use crate::service::Caller;

/// GET /v1/consents (list-consents), and GET /client/v1/consents (list-consents-client-side)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let groups = db::consents::list_groups(&mut connection, caller.project).await?;
    let consents = db::consents::list(&mut connection, caller.project).await?;
    connection.release();
    let bytes = 256 + (groups.len() + consents.len()) * 256;
    Ok(answer::json_sized(bytes, |out| consent::write_lists(out, &groups, &consents)))
}
