//! The rows of a list, its `total` and its `has_more` are of one moment, while other requests change the list.

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Client, TestEmulator};

/// The limit of the pages.
const LIMIT: usize = 3;

/// Reads the last page of a list until the writers have stopped. Every new row changes this page. Returns how often the
/// total changed.
async fn read_beside(client: Client, path: String, rows: &str, stopped: watch::Receiver<bool>) -> usize {
    let (mut last_total, mut changes) = (0, 0);
    while !*stopped.borrow() {
        // No page number is higher than 99.
        let page = (last_total / LIMIT + 1).min(99);
        let answer = client.get(&format!("{path}limit={LIMIT}&page={page}")).await.expect(200);
        let list = answer.json();
        let total = usize::try_from(list["total"].as_u64().unwrap()).unwrap();
        let remaining = total.saturating_sub((page - 1) * LIMIT);
        assert_eq!(list[rows].as_array().unwrap().len(), remaining.min(LIMIT), "{}", answer.text);
        if let Value::Bool(has_more) = list["has_more"] {
            assert_eq!(has_more, remaining > LIMIT, "{}", answer.text);
        }
        changes += usize::from(total != last_total);
        last_total = total;
    }
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_beside_running_jobs_and_requests_do_not_contradict_themselves() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["x"]}}});
    let segment = json!({"name": "S", "type": "passive", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let (stop, stopped) = watch::channel(false);
    let readers: Vec<_> = [
        ("/v1/customers?", "customers"),
        ("/v1/customers?name=x&", "customers"),
        ("/v1/customers?filters[name][conditions][$is]=x&", "customers"),
        (&format!("/v1/customers?segment_id={segment}&"), "customers"),
        ("/v1/orders?", "orders"),
        ("/v1/orders?filters[status][conditions][$is]=PAID&", "orders"),
        ("/v1/orders?customer=0&", "orders"),
        ("/v1/exports?", "exports"),
    ]
    .into_iter()
    .map(|(path, rows)| {
        let (path, rows) = (path.to_owned(), rows.to_owned());
        let (client, stopped) = (client.clone(), stopped.clone());
        tokio::spawn(async move { (path.clone(), read_beside(client, path, &rows, stopped).await) })
    })
    .collect();
    for round in 0..20 {
        let records: Vec<_> =
            (0..4).map(|index| json!({"source_id": format!("{round}-{index}"), "name": "x"})).collect();
        client.post("/v1/customers/bulk/async", json!(records)).await.expect(202);
        let order = json!({"amount": 1, "status": "PAID", "customer": {"source_id": "0", "name": "x"}});
        client.post("/v1/orders", order).await.expect(200);
        client.post("/v1/exports", json!({"exported_object": "order"})).await.expect(200);
    }
    client.get("/_emulator/idle").await.expect(200);
    stop.send(true).unwrap();
    for reader in readers {
        let (path, changes) = reader.await.unwrap();
        assert!(changes > 3, "the list {path} did not change");
    }
}

#[tokio::test]
async fn a_total_from_a_row_count_is_not_of_a_later_moment_than_the_rows() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/v1/customers").await.expect(200);
    for (path, rows, insert) in [
        (
            "/v1/customers",
            "customers",
            "INSERT INTO customers (project_id, id, profile, created_at, changed_at)
             SELECT id, 'cust_000000000000000000000000', '{\"address\":null}', now(), now() FROM projects",
        ),
        (
            "/v1/orders",
            "orders",
            "INSERT INTO orders (project_id, id, status, amount, created_at)
             SELECT id, 'ord_000000000000000000', 'PAID', 1, now() FROM projects",
        ),
        (
            "/v1/segments",
            "data",
            "INSERT INTO segments (project_id, id, name, type, created_at)
             SELECT id, 'seg_000000000000000000000000', 'S', 'static', now() FROM projects",
        ),
        (
            "/v1/customers?segment_id=seg_000000000000000000000000",
            "customers",
            "INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT project_id, 'seg_000000000000000000000000', id, created_at FROM customers",
        ),
    ] {
        // The list waits for the lock between its rows and its total, if it reads them by two statements.
        let mut transaction = emulator.pool.begin().await.unwrap();
        sqlx::raw_sql("LOCK TABLE row_counts").execute(&mut *transaction).await.unwrap();
        let list = tokio::spawn({
            let client = client.clone();
            async move { client.get(path).await }
        });
        TestEmulator::wait_until_blocked(&mut transaction, 1).await;
        let resource = path.split_once('=').map_or(&path["/v1/".len()..], |(_, segment)| segment);
        let count = "INSERT INTO row_counts (project_id, resource, slot, value) SELECT id, $1, 0, 1 FROM projects";
        sqlx::query(count).bind(resource).execute(&mut *transaction).await.unwrap();
        sqlx::raw_sql(insert).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let list = list.await.unwrap().expect(200).json();
        assert_eq!((list[rows].as_array().map(Vec::len), &list["total"]), (Some(1), &json!(1)), "{path}");
    }
}
