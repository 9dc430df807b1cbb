//! The program to compare with: axum and sqlx, one statement per request, no validation and no authentication.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, body::Bytes};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

static NEXT_ROW: AtomicU64 = AtomicU64::new(1);
const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// Serves `/rows` of the database at `url`, on all cores, with as many connections as the emulator uses.
pub fn serve(url: &str) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(url));
}

async fn run(url: &str) {
    let options: PgConnectOptions = url.parse::<PgConnectOptions>().unwrap().disable_statement_logging();
    let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false).connect_with(options).await.unwrap();
    pool.execute("CREATE TABLE rows (project bigint, id text COLLATE \"C\", document json, PRIMARY KEY (project, id))")
        .await
        .unwrap();
    let router = Router::new().route("/rows", get(list).post(create)).route("/rows/{id}", get(one)).with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("ready on http://{}", listener.local_addr().unwrap());
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.unwrap();
}

async fn one(State(pool): State<PgPool>, Path(id): Path<String>) -> impl IntoResponse {
    let document: String = sqlx::query_scalar("SELECT document::text FROM rows WHERE project = $1 AND id = $2")
        .bind(1_i64)
        .bind(id)
        .fetch_one(&pool)
        .await
        .unwrap();
    (JSON, document)
}

async fn create(State(pool): State<PgPool>, body: Bytes) -> impl IntoResponse {
    // Ids are random like the emulator's, so that the index grows in the same way.
    let number = NEXT_ROW.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let id = format!("row_{number:020}");
    sqlx::query("INSERT INTO rows (project, id, document) VALUES ($1, $2, $3::text::json)")
        .bind(1_i64)
        .bind(&id)
        .bind(std::str::from_utf8(&body).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    (JSON, format!(r#"{{"id":"{id}"}}"#))
}

async fn list(State(pool): State<PgPool>) -> impl IntoResponse {
    let documents: Vec<String> =
        sqlx::query_scalar("SELECT document::text FROM rows WHERE project = $1 ORDER BY id LIMIT 100")
            .bind(1_i64)
            .fetch_all(&pool)
            .await
            .unwrap();
    (JSON, format!("[{}]", documents.join(",")))
}
