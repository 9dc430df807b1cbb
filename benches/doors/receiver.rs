//! A receiver of webhooks that does as little as can be: it counts, and looks how old a message is.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use voucherify_emulator::clock::Clock;

/// Milliseconds from the change to the message.
static LAGS: Mutex<Vec<i64>> = Mutex::new(Vec::new());

/// Serves until it is killed.
pub fn serve() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("ready on http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/reset", get(|| async { LAGS.lock().unwrap().clear() }))
            .route("/count", get(|| async { LAGS.lock().unwrap().len().to_string() }))
            .route("/lag", get(|| async { lag() }));
        axum::serve(listener, router).await.unwrap();
    });
}

async fn receive(body: Bytes) {
    let mark = br#""created_at":""#;
    let place = body.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len();
    let text = std::str::from_utf8(&body[place..place + 24]).unwrap();
    let created = chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    LAGS.lock().unwrap().push(Clock::System.now().timestamp_millis() - created);
}

fn lag() -> String {
    let mut lags = LAGS.lock().unwrap().clone();
    lags.sort_unstable();
    let at = |part: usize| lags.get((lags.len() * part / 100).min(lags.len().saturating_sub(1))).copied().unwrap_or(0);
    format!("lag of {} messages: median {} ms, 99 % within {} ms, longest {} ms", lags.len(), at(50), at(99), at(100))
}
