use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::sleep;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// GET /_emulator/idle (emulator-wait-until-idle)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    loop {
        let mut connection = app.core.pool.acquire().await?;
        let unfinished = db::jobs::unfinished(&mut connection, caller.project).await?;
        connection.release();
        if unfinished == 0 {
            return Ok(answer::json(|out| ObjectWriter::new(out).number("unfinished", 0).end()));
        }
        sleep(LOOK_EVERY).await;
    }
}
