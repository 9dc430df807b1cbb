use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::{Instant, sleep};

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;

/// How long it is waited before the second look, and before every later one at the most: each waits longer than the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// GET /_emulator/idle (emulator-wait-until-idle)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let (mut pause, until) = (FIRST_PAUSE, Instant::now() + app.request_timeout);
    loop {
        let mut connection = app.core.pool.acquire().await?;
        let jobs = db::jobs::unfinished(&mut connection, caller.project).await?;
        let unsent = db::webhook_deliveries::unsent(&mut connection, caller.project, app.core.clock.now()).await?;
        connection.release();
        if jobs == 0 && unsent == 0 {
            return Ok(answer::json(|out| ObjectWriter::new(out).number("unfinished", 0).end()));
        }
        // By then the request has been answered without this.
        if Instant::now() >= until {
            return Err(ApiError::unavailable("The project still has work in the background"));
        }
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause.mul_f32(1.5));
    }
}
