use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{download_file, run_export};
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn file_is_downloaded_with_token_only_and_does_not_expire() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    let export = run_export(&client, "customer", json!({})).await;
    let another = run_export(&client, "customer", json!({})).await;
    let url = export["result"]["url"].as_str().unwrap();
    emulator.clock.set("2034-03-01T10:00:00Z".parse().unwrap());
    let answer = client.download(url).await.expect(200);
    assert_eq!(
        (answer.text.as_str(), answer.header("content-type")),
        ("Name,Source ID\nA,a\n", "text/plain; charset=utf-8")
    );
    // The download ignores the Accept header.
    let path = &url[url.find("/v1").unwrap()..];
    client.call_with(Method::GET, path, Body::empty(), &[("accept", "text/csv")]).await.expect(200);

    let (base, token) = url.split_once("token=").unwrap();
    for invalid in
        [format!("{url}x"), url[..url.len() - 1].to_owned(), format!("{base}token=x"), format!("{base}token=1.x")]
    {
        let error = client.download(&invalid).await.expect(401);
        assert_eq!(error.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
    }
    let another = another["id"].as_str().unwrap();
    client.download(&format!("/v1/exports/{another}?token={token}")).await.expect(401);
    // API keys do not replace an invalid token.
    client.get(&format!("/v1/exports/{another}?token={token}")).await.expect(401);
    client.get(&format!("/v1/exports/{another}?token=")).await.expect(200);
}

#[tokio::test]
async fn token_of_export_does_not_open_action_report_and_vice_versa() {
    let project = TestProject::new();
    let client = project.client();
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let report = action["result"]["reports"][0].as_str().unwrap();
    client.download(report).await.expect(200);
    client.download(&report.replace("/_emulator/reports/", "/v1/exports/")).await.expect(401);
    let export = run_export(&client, "customer", json!({})).await;
    let url = export["result"]["url"].as_str().unwrap();
    client.download(&url.replace("/v1/exports/", "/_emulator/reports/")).await.expect(401);
}

#[tokio::test]
async fn large_file_is_complete_and_in_order() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "first"})).await;
    sqlx::query(
        r#"INSERT INTO customers (project_id, id, source_id, profile, created_at, changed_at)
           SELECT project_id, 'cust_' || lpad(number::text, 24, '0'), 'c' || lpad(number::text, 4, '0'), '{"address":null}',
                  created_at, created_at
           FROM customers, generate_series(1, 3500) number"#,
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let export = run_export(&client, "customer", json!({"fields": ["source_id"], "order": "source_id"})).await;
    let text = download_file(&client, &export).await;
    let expected: Vec<_> = (1..=3500).map(|number| format!("c{number:04}")).collect();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines[0], lines[3501]), ("Source ID", "first"));
    assert_eq!(lines[1..3501], expected);
}

#[tokio::test]
async fn download_of_deleted_file_is_aborted() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let export = run_export(&client, "customer", json!({})).await;
    let url = export["result"]["url"].as_str().unwrap().to_owned();
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE job_results").execute(&mut *blocker).await.unwrap();
    let download = tokio::spawn(async move { client.download(&url).await });
    let is_blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'job_results'::regclass AND NOT granted)";
    while !sqlx::query_scalar::<_, bool>(is_blocked).fetch_one(&mut *blocker).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for table in ["jobs", "job_results"] {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *blocker).await.unwrap();
    }
    blocker.commit().await.unwrap();
    assert!(download.await.is_err(), "the response body was aborted");
}
