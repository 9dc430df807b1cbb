//! A webhook receiver that does as little as possible: it counts the messages and measures their lag.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use voucherify_emulator::clock::Clock;

/// Milliseconds from each change to the receipt of its message.
static LAGS_MS: Mutex<Vec<i64>> = Mutex::new(Vec::new());

/// Serves until the process is killed.
pub fn serve() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("ready on http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/reset", get(|| async { LAGS_MS.lock().unwrap().clear() }))
            .route("/count", get(|| async { LAGS_MS.lock().unwrap().len().to_string() }))
            .route("/lag", get(|| async { lag_summary() }));
        axum::serve(listener, router).await.unwrap();
    });
}

async fn receive(body: Bytes) {
    let marker = br#""created_at":""#;
    let start = body.windows(marker.len()).position(|window| window == marker).unwrap() + marker.len();
    let text = std::str::from_utf8(&body[start..start + 24]).unwrap();
    let created = chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    LAGS_MS.lock().unwrap().push(Clock::System.now().timestamp_millis() - created);
}

fn lag_summary() -> String {
    let mut lags = LAGS_MS.lock().unwrap().clone();
    lags.sort_unstable();
    let percentile =
        |percent: usize| lags.get((lags.len() * percent / 100).min(lags.len().saturating_sub(1))).copied().unwrap_or(0);
    format!(
        "lag of {} messages: median {} ms, 99 % within {} ms, longest {} ms",
        lags.len(),
        percentile(50),
        percentile(99),
        percentile(100)
    )
}
