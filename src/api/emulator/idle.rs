use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::{Instant, sleep};

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;

/// The first interval between two checks. Each interval is longer than the previous one.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(2);
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// GET /_emulator/idle (emulator-wait-until-idle)
///
/// Waits until the project has no unfinished jobs and no due webhook deliveries.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let (mut interval, deadline) = (MIN_POLL_INTERVAL, Instant::now() + app.request_timeout);
    loop {
        let mut connection = app.core.pool.acquire_for(caller.project).await?;
        let jobs = db::jobs::count_unfinished(&mut connection, caller.project).await?;
        let unsent =
            db::webhook_deliveries::count_overdue(&mut connection, caller.project, app.core.now(&caller)).await?;
        connection.release();
        if jobs == 0 && unsent == 0 {
            return Ok(answer::json(|out| ObjectWriter::new(out).number("unfinished", 0).end()));
        }
        // End the loop at the request timeout, because the middleware has answered the request by then.
        if Instant::now() >= deadline {
            return Err(ApiError::unavailable("The project still has work in the background"));
        }
        sleep(interval).await;
        interval = MAX_POLL_INTERVAL.min(interval.mul_f32(1.5));
    }
}
