use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;

/// GET /_emulator/health (emulator-health)
///
/// Returns 200 when requests can be answered, and 503 while the database is not available.
pub async fn handle(State(app): State<AppState>) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    crate::db::connect::ping(&mut connection).await?;
    connection.release();
    Ok(answer::json(|out| {
        ObjectWriter::new(out).text("status", "ok").text("version", env!("CARGO_PKG_VERSION")).end();
    }))
}
