use axum::body::Body;
use axum::http::Request;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn health_needs_no_keys() {
    let project = TestProject::new();
    let answer = project.send(Request::get("/_emulator/health").body(Body::empty()).unwrap()).await.expect(200);
    assert_eq!(answer.text, format!(r#"{{"status":"ok","version":"{}"}}"#, env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn all_requests_return_503_while_the_database_is_unavailable() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/v1/customers").await.expect(200);
    emulator.connections.close().await;
    for path in ["/_emulator/health", "/v1/customers", "/v1/customers/a"] {
        let answer = client.get(path).await.expect(503);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(
            answer.shape(),
            r#"{"code":503,"key":"service_unavailable","message":"Service unavailable","details":"The database cannot be reached at the moment","request_id":"<v->"}"#
        );
    }
}
