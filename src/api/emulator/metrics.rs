use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::http::accept::prefers_openmetrics;
use crate::http::state::AppState;
use crate::metrics::Format;
use crate::service::metrics::sample;

/// GET /_emulator/metrics (emulator-metrics)
///
/// Returns the metrics in the text format of Prometheus, or in `OpenMetrics` where the request prefers it.
pub async fn handle(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let format = if prefers_openmetrics(&headers) { Format::OpenMetrics } else { Format::Prometheus };
    let text = app.core.metrics.text(&sample(&app.core, &app.authenticator).await, format);
    ([(header::CONTENT_TYPE, format.content_type()), (header::CACHE_CONTROL, "no-store")], text).into_response()
}
