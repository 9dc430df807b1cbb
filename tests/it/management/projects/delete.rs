use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgPool;
use voucherify_emulator::db::project_deletions::TABLES;

use super::{PATH, client_of, create, path_of};
use crate::support::{Client, TestEmulator};

/// Returns the number of rows of a project in each table that has any.
pub async fn rows(pool: &PgPool, project: i64) -> BTreeMap<String, i64> {
    let mut rows = BTreeMap::new();
    for table in TABLES.iter().chain(&["credentials"]) {
        let statement = format!("SELECT count(*) FROM {table} WHERE project_id = $1");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(project).fetch_one(pool).await.unwrap();
        if count > 0 {
            rows.insert((*table).to_owned(), count);
        }
    }
    rows
}

/// Returns the internal id of a project.
pub async fn internal_id(pool: &PgPool, public_id: &str) -> i64 {
    sqlx::query_scalar("SELECT id FROM projects WHERE public_id = $1").bind(public_id).fetch_one(pool).await.unwrap()
}

/// Creates rows of a project in every table.
async fn fill(emulator: &TestEmulator, client: &Client, project: i64) {
    let schema = json!({"related_object": "customer", "properties": {"due": {"type": "date", "optional": true, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    client
        .post("/_emulator/custom-event-schemas", json!({"name": "e", "schema": {"properties": {}}}))
        .await
        .expect(200);
    let filter = json!({"junction": "and", "metadata.due": {"conditions": {"$more_than_future": [1]}}});
    client.post("/v1/segments", json!({"name": "Due", "type": "auto-update", "filter": filter})).await.expect(200);
    let id = client.customer(json!({"source_id": "alice", "metadata": {"due": "2999-01-01"}})).await;
    client.post("/v1/segments", json!({"name": "Some", "type": "static", "customers": [id]})).await.expect(200);
    let (alice, bob) = (json!({"source_id": "alice"}), json!({"source_id": "bob"}));
    client.post("/v1/orders", json!({"amount": 1, "customer": alice, "referrer": bob})).await.expect(200);
    client.post("/v1/events", json!({"event": "e", "customer": alice})).await.expect(200);
    client.put("/_emulator/consents/cnst_news", json!({"name": "News"})).await.expect(200);
    client
        .put("/_emulator/consent-groups/cnstgr_mail", json!({"name": "Mail", "consents": ["cnst_news"]}))
        .await
        .expect(200);
    client.put("/v1/customers/alice/consents", json!({"cnst_news": true})).await.expect(204);
    client.customer(json!({"source_id": "gone"})).await;
    client.call(axum::http::Method::POST, "/v1/customers/gone/permanent-deletion", None).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "carol"}])).await;
    for statement in [
        "INSERT INTO webhooks VALUES ($1, 'wh_1', 'webhook', NULL, 'http://localhost/', '{}', true, now(), NULL)",
        "INSERT INTO webhook_deliveries (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at)
         VALUES ($1, 'whs_1', 'wh_1', 'cust_1', 'evcus_1', now(), now())",
        "INSERT INTO unconfirmed_customers VALUES ($1, 'ucust_1', NULL, NULL, '{}', now())",
        "INSERT INTO oauth_tokens VALUES (decode(md5($1::text), 'hex'), $1, 'a', 'api', now())",
        // Insert a slice, because only unfinished jobs have slices.
        "INSERT INTO job_slices SELECT $1, id, 1, '{}', '{}', '{}', '{}', '{}' FROM jobs WHERE project_id = $1",
        "INSERT INTO faults (project_id, id, rule) VALUES ($1, 'fault_1', '{}')",
        "INSERT INTO seeded_identifiers (project_id, seed, kind, count) VALUES ($1, 'seed', 'cust_', 1)",
    ] {
        sqlx::query(statement).bind(project).execute(&emulator.pool).await.unwrap();
    }
    let filled = rows(&emulator.pool, project).await;
    let empty: Vec<_> = TABLES.iter().filter(|table| !filled.contains_key(**table)).collect();
    assert_eq!(empty, Vec::<&&str>::new(), "{filled:?}");
}

#[tokio::test]
async fn deleting_a_project_deletes_all_its_rows_and_no_rows_of_other_projects() {
    let emulator = TestEmulator::new().await;
    let manager = emulator.manager();
    let (created, other) = (create(&manager, "Team").await, create(&manager, "Other").await);
    let (ours, theirs) = (
        internal_id(&emulator.pool, &created.string("/id")).await,
        internal_id(&emulator.pool, &other.string("/id")).await,
    );
    fill(&emulator, &client_of(&emulator, &created), ours).await;
    fill(&emulator, &client_of(&emulator, &other), theirs).await;
    let before = rows(&emulator.pool, theirs).await;
    let answer = manager.delete(&path_of(&created)).await.expect(204);
    assert_eq!(answer.text, "");
    assert_eq!(rows(&emulator.pool, ours).await, BTreeMap::new(), "the rows are deleted before the response");
    assert_eq!(emulator.tables_with(&created.string("/id")).await, Vec::<String>::new());
    assert_eq!(rows(&emulator.pool, theirs).await, before);
    client_of(&emulator, &other).get("/v1/customers/alice").await.expect(200);
    manager.get(&path_of(&created)).await.expect(404);
    manager.delete(&path_of(&created)).await.expect(404);
    assert_eq!(manager.get(PATH).await.column("data", "name"), ["Other", "Sandbox Project"]);
}

#[tokio::test]
async fn keys_of_a_deleted_project_are_rejected_permanently() {
    let emulator = TestEmulator::new().await;
    let created = create(&emulator.manager(), "Team").await;
    let client = client_of(&emulator, &created);
    client.get("/v1/customers").await.expect(200);
    emulator.manager().delete(&path_of(&created)).await.expect(204);
    client.get("/v1/customers").await.expect(401);
    // The key id with another token is rejected too, and another emulator on the database rejects the key.
    let app_id = created.string("/server_side_key/app_id");
    emulator.client_with(&app_id, "another").get("/v1/customers").await.expect(401);
    let restarted = emulator.start_another(|_| {}).await;
    client_of(&restarted, &created).get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn an_auto_provisioned_project_can_be_deleted() {
    let emulator = TestEmulator::new().await;
    emulator.other_project().customer(json!({"source_id": "alice"})).await;
    let id = emulator.other_project().get("/_emulator/project").await.string("/id");
    let project = internal_id(&emulator.pool, &id).await;
    emulator.manager().delete(&format!("{PATH}/{id}")).await.expect(204);
    assert_eq!(rows(&emulator.pool, project).await, BTreeMap::new());
    emulator.other_project().get("/v1/customers/alice").await.expect(401);
}

#[tokio::test]
async fn the_default_project_cannot_be_deleted() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "alice"})).await;
    let id = emulator.client().get("/_emulator/project").await.string("/id");
    let answer = emulator.manager().delete(&format!("{PATH}/{id}")).await.expect(403);
    assert_eq!(
        answer.shape(),
        r#"{"code":403,"key":"forbidden","message":"Forbidden","details":"The sandbox project cannot be deleted","request_id":"<v->"}"#
    );
    emulator.client().get("/v1/customers/alice").await.expect(200);
}

#[tokio::test]
async fn a_project_with_many_rows_is_deleted_in_slices() {
    let emulator = TestEmulator::new().await;
    let created = create(&emulator.manager(), "Team").await;
    let project = internal_id(&emulator.pool, &created.string("/id")).await;
    for statement in [
        "INSERT INTO customers (project_id, id, profile, created_at, changed_at)
         SELECT $1, 'cust_' || n, '{}', now(), now() FROM generate_series(1, 20000) n",
        "INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
         SELECT $1, 'cust_' || n, 'evcus_' || n, 'customer.created', 'v-', '{}', now() FROM generate_series(1, 20000) n",
        "INSERT INTO orders (project_id, id, customer_id, status, amount, created_at)
         SELECT $1, 'ord_' || n, 'cust_' || n, 'PAID', 1, now() FROM generate_series(1, 20000) n",
    ] {
        sqlx::query(statement).bind(project).execute(&emulator.pool).await.unwrap();
    }
    emulator.manager().delete(&path_of(&created)).await.expect(204);
    assert_eq!(rows(&emulator.pool, project).await, BTreeMap::new());
}
