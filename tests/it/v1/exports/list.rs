use serde_json::json;

use super::run_export;
use crate::support::{TestEmulator, TestProject, citus};

#[tokio::test]
async fn exports_are_listed_newest_first_with_total() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for second in 0..3 {
        emulator.clock.set(format!("2024-03-01T10:00:0{second}Z").parse().unwrap());
        ids.insert(0, run_export(&client, "customer", json!({})).await["id"].as_str().unwrap().to_owned());
    }
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let list = client.get("/v1/exports").await.expect(200);
    assert!(list.shape().starts_with(concat!(
        r#"{"object":"list","data_ref":"exports","exports":[{"id":"<exp_>","object":"export","created_at":"<time>","#,
        r#""status":"DONE","channel":"API","exported_object":"customer","parameters":{"fields":["name","source_id"]},"#,
        r#""result":{"url":"http://127.0.0.1:8682/v1/exports/exp_"#
    )));
    assert!(list.text.ends_with(r#""user_id":null}],"total":3}"#), "{}", list.text);
    for (query, expected) in
        [("", &ids[..]), ("order=-created_at&limit=2", &ids[..2]), ("limit=2&page=2", &ids[2..]), ("page=100", &[])]
    {
        let list = client.get(&format!("/v1/exports?{query}")).await.expect(200);
        assert_eq!((list.column("exports", "id").as_slice(), &list.json()["total"]), (expected, &json!(3)), "{query}");
    }
    ids.reverse();
    let list = client.get("/v1/exports?order=created_at").await.expect(200);
    assert_eq!(list.column("exports", "id"), ids);
    let others = emulator.other_project().get("/v1/exports").await.json();
    assert_eq!((&others["exports"], &others["total"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn exports_are_sorted_by_status_name() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/v1/exports").await.expect(200);
    // The trigger blocks the first unfinished export, so that the status of the exports does not change.
    sqlx::raw_sql(
        "CREATE FUNCTION block_export_writes() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
         CREATE TRIGGER block_export_writes BEFORE INSERT ON job_results FOR EACH ROW EXECUTE FUNCTION block_export_writes();
         SELECT pg_advisory_lock(1)",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    for (id, outcome) in [("a", None), ("b", Some("FAILED")), ("c", None), ("d", Some("DONE")), ("e", Some("DONE"))] {
        sqlx::query(
            r#"INSERT INTO jobs (project_id, id, type, parameters, app_id, request_id, token, records, created_at, updated_at, outcome, attempts)
               SELECT id, 'exp_00000000000000000000000' || $1, 'EXPORT', '{"exported_object":"customer","parameters":{"fields":["id"]}}',
                      'x', 'v-000000000000000001', '1.x', 0, now(), now(), $2, 0 FROM projects ORDER BY id LIMIT 1"#,
        )
        .bind(id)
        .bind(outcome)
        .execute(&emulator.pool)
        .await
        .unwrap();
    }
    let last_letters = |ids: Vec<String>| ids.iter().map(|id| id[id.len() - 1..].to_owned()).collect::<String>();
    let list = client.get("/v1/exports?order=status").await.expect(200);
    assert_eq!(list.column("exports", "status"), ["DONE", "DONE", "ERROR", "IN_PROGRESS", "SCHEDULED"]);
    assert_eq!(last_letters(list.column("exports", "id")), "debac");
    let list = client.get("/v1/exports?order=-status").await.expect(200);
    assert_eq!(last_letters(list.column("exports", "id")), "cabed");
    sqlx::query("SELECT pg_advisory_unlock(1)").execute(&emulator.pool).await.unwrap();
    client.get("/_emulator/idle").await.expect(200);
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    for (query, details) in [
        ("limit=101", "Property .limit cannot be higher than 100"),
        ("page=0", "Property .page cannot be lower than 1"),
        ("page=101", "Property .page cannot be higher than 100"),
        (
            "order=id",
            "Property .order must be equal to one of the allowed values [ created_at, -created_at, status, -status ]",
        ),
    ] {
        let error = project.client().get(&format!("/v1/exports?{query}")).await.expect(400);
        assert_eq!(
            (error.string("/key").as_str(), error.string("/details").as_str()),
            ("invalid_query_params", details)
        );
    }
}
