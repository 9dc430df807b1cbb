use axum::http::Method;
use serde_json::json;

use super::PATH;
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_replacement_removes_everything_but_keys_and_settings() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.put("/_emulator/project", json!({"name": "Mine"})).await.expect(200);
    let token = client.token("api").await;
    let alice = client.customer(json!({"source_id": "alice"})).await;
    client.post("/v1/orders", json!({"customer": {"id": alice}, "status": "PAID", "amount": 5})).await.expect(200);
    client.post("/v1/events", json!({"event": "e", "customer": {"id": alice}})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "bob"}])).await;
    client.post("/v1/segments", json!({"name": "s", "customers": [alice]})).await.expect(200);
    client.put("/v1/customers/alice/consents", json!({"c": true})).await.expect(204);
    emulator.other_project().customer(json!({"source_id": "alice"})).await;
    client.put(PATH, json!({"customers": [{"source_id": "new"}]})).await.expect(200);
    assert_eq!(emulator.tables_with(&alice).await, Vec::<String>::new());
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
    assert_eq!(client.get("/v1/customers").await.column("customers", "source_id"), ["new"]);
    assert_eq!(client.get("/_emulator/project").await.string("/name"), "Mine");
    emulator.bearer(&token).get("/v1/customers").await.expect(200);
    assert_eq!(emulator.other_project().get("/v1/customers").await.json()["total"], 1);
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn readers_see_the_project_before_or_after_a_replacement() {
    let project = TestProject::new();
    let client = project.client();
    let document = |name: &str| {
        let customers: Vec<_> = (0..50).map(|number| json!({"source_id": format!("{name}{number}")})).collect();
        json!({"customers": customers}).to_string()
    };
    client.call(Method::PUT, PATH, Some(document("a"))).await.expect(200);
    let writer = async {
        for name in ["b", "c", "d"] {
            client.call(Method::PUT, PATH, Some(document(name))).await.expect(200);
        }
    };
    let reader = async {
        for _ in 0..30 {
            let list = client.get("/v1/customers?limit=50").await.expect(200);
            let names = list.column("customers", "source_id");
            assert_eq!((names.len(), &list.json()["total"]), (50, &json!(50)));
            assert!(names.iter().all(|name| name[..1] == names[0][..1]), "{names:?}");
        }
    };
    tokio::join!(writer, reader);
}

#[tokio::test]
async fn writes_and_loads_of_one_project_do_not_disturb_each_other() {
    let project = TestProject::new();
    let client = project.client();
    let load = async {
        for round in 0..5 {
            let customers = json!([{"source_id": format!("l{round}")}, {"source_id": "both"}]);
            let orders = json!([{"source_id": "o", "customer": {"source_id": "both"}}]);
            client.post(PATH, json!({"customers": customers, "orders": orders})).await.expect(200);
        }
    };
    let write = async {
        for round in 0..20 {
            client.customer(json!({"source_id": "both", "name": format!("n{round}")})).await;
            client.post("/v1/orders", json!({"source_id": "o", "status": "PAID", "amount": 7})).await.expect(200);
            client.post("/v1/segments", json!({"name": "s", "customers": []})).await.expect(200);
        }
    };
    tokio::join!(load, write);
    let list = client.get("/v1/customers").await.expect(200);
    assert_eq!((list.column("customers", "id").len(), &list.json()["total"]), (6, &json!(6)));
    assert_eq!(client.get("/v1/orders").await.json()["total"], 1);
    assert_eq!(client.get("/v1/segments").await.json()["total"], 20);
}
