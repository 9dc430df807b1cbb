use axum::extract::State;
use axum::response::Response;

use crate::domain::outage::Outage;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;

/// GET /_emulator/health (emulator-health)
///
/// Returns 200 when requests can be answered, also when some are refused because the database lacks room, and 503 while the database
/// is not available.
pub async fn handle(State(app): State<AppState>) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    crate::db::connect::ping(&mut connection).await?;
    connection.release();
    // The database has just answered.
    let outage = app.core.database_health.outage().filter(|outage| *outage != Outage::Unreachable);
    Ok(answer::json(|out| {
        let mut object = ObjectWriter::new(out);
        match outage {
            Some(outage) => object.text("status", "degraded").text("reason", outage.reason()),
            None => object.text("status", "ok"),
        };
        object.text("version", env!("CARGO_PKG_VERSION")).end();
    }))
}
