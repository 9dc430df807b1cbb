//! Concurrent requests.

use axum::http::Method;
use serde_json::{Value, json};

use crate::schema::{CUSTOMER_DEPENDENTS, ErasureAction};
use crate::support::TestEmulator;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_one_source_id_create_one_customer() {
    let emulator = TestEmulator::new().await;
    let calls: Vec<_> = (0..24)
        .map(|index| {
            let client = emulator.client();
            tokio::spawn(async move {
                let body = json!({"source_id": "a", "metadata": {format!("k{index}"): index}});
                match index % 3 {
                    0 => client.post("/v1/customers", body).await.expect(200).string("/id"),
                    1 => client
                        .post("/v1/orders", json!({"amount": 1, "customer": body}))
                        .await
                        .expect(200)
                        .string("/customer_id"),
                    _ => client
                        .post("/v1/events", json!({"event": "e", "customer": body}))
                        .await
                        .expect(200)
                        .string("/customer/id"),
                }
            })
        })
        .collect();
    let mut ids = Vec::new();
    for call in calls {
        ids.push(call.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let customer = emulator.client().get("/v1/customers/a").await.expect(200).json();
    assert_eq!(customer["metadata"].as_object().unwrap().len(), 24, "no change is lost");
    assert_eq!(emulator.client().get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_summary_contains_all_concurrent_orders() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for name in ["a", "b"] {
        client.customer(json!({"source_id": name})).await;
    }
    let calls: Vec<_> = (0..20)
        .map(|index| {
            let client = emulator.client();
            tokio::spawn(async move {
                let (from, to) = if index % 2 == 0 { ("a", "b") } else { ("b", "a") };
                let source_id = format!("o{index}");
                let body =
                    json!({"source_id": source_id, "amount": 10, "status": "PAID", "customer": {"source_id": from}});
                client.post("/v1/orders", body).await.expect(200);
                let body = json!({"customer": {"source_id": to}, "referrer": {"source_id": from}});
                client.put(&format!("/v1/orders/{source_id}"), body).await.expect(200);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    for name in ["a", "b"] {
        let orders = client.get(&format!("/v1/customers/{name}")).await.json()["summary"]["orders"].clone();
        assert_eq!((&orders["total_count"], &orders["total_amount"]), (&json!(10), &json!(100)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_concurrent_with_orders_leaves_no_order_without_its_customer() {
    let emulator = TestEmulator::new().await;
    let (mut created, mut removed) = (0, 0);
    for _ in 0..15 {
        emulator.client().customer(json!({"source_id": "a"})).await;
        let orders: Vec<_> = (0..4)
            .map(|_| {
                let client = emulator.client();
                let body = json!({"amount": 1, "status": "PAID", "customer": {"source_id": "a"}});
                tokio::spawn(async move { client.post("/v1/orders", body).await.expect(200) })
            })
            .collect();
        let client = emulator.client();
        let erasure = tokio::spawn(async move {
            let answer = client.call(Method::POST, "/v1/customers/a/permanent-deletion", None).await.expect(200);
            answer.json()["data_json"]["orders"].as_i64().unwrap()
        });
        for order in orders {
            order.await.unwrap();
            created += 1;
        }
        removed += erasure.await.unwrap();
    }
    let (orders, orphans): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
             SELECT FROM customers c WHERE c.project_id = o.project_id AND c.id = o.customer_id))
         FROM orders o",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!((orders + removed, orphans), (created, 0), "each order was removed and counted, or still exists");
    assert_eq!(emulator.client().get("/v1/orders").await.json()["total"], Value::from(orders));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_one_unknown_key_create_one_project() {
    let emulator = TestEmulator::new().await;
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let client = emulator.client_with("new", "token");
            tokio::spawn(async move { client.customer(json!({})).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(emulator.client_with("new", "token").get("/v1/customers").await.json()["total"], 16);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 2, "the default project and the new project");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_concurrent_with_writes_leaves_no_row_without_its_customer() {
    let emulator = TestEmulator::new().await;
    for _ in 0..12 {
        let id = emulator.client().customer(json!({"source_id": "a"})).await;
        let calls: Vec<_> = (0..6)
            .map(|index| {
                let (client, path) = (emulator.client(), format!("/v1/customers/{id}"));
                tokio::spawn(async move {
                    let customer = json!({"source_id": "a"});
                    let answer = match index {
                        0 => client.put(&path, json!({"name": "A"})).await,
                        1 => client.post("/v1/events", json!({"event": "e", "customer": customer})).await,
                        2 => client.put(&format!("{path}/consents"), json!({"cnst_1": true})).await,
                        3 => client.post("/v1/segments", json!({"name": "S", "customers": [path[14..]]})).await,
                        4 => client.call(Method::POST, &format!("{path}/permanent-deletion"), None).await,
                        _ => {
                            client
                                .post("/v1/orders", json!({"referrer": customer, "customer": {"source_id": "b"}}))
                                .await
                        }
                    };
                    assert!([200, 204, 404].contains(&answer.status.as_u16()), "{}", answer.text);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    }
    for (table, column, action) in CUSTOMER_DEPENDENTS {
        // An import may name customers that do not exist yet, and the record of an erasure names one that no longer exists.
        if matches!(action, ErasureAction::ClearElements | ErasureAction::Keep) {
            continue;
        }
        let statement = format!(
            "SELECT count(*) FROM {table} t WHERE {column} IS NOT NULL AND NOT EXISTS (
                 SELECT FROM customers c WHERE c.project_id = t.project_id AND c.id = t.{column})"
        );
        let orphans: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&emulator.pool).await.unwrap();
        assert_eq!(orphans, 0, "{table}.{column}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_consent_fails_no_concurrent_request_that_uses_it() {
    let emulator = TestEmulator::new().await;
    for name in ["a", "b", "c"] {
        emulator.client().customer(json!({"source_id": name})).await;
    }
    let calls: Vec<_> = (0..40)
        .map(|index| {
            let client = emulator.client();
            tokio::spawn(async move {
                let name = ["a", "b", "c"][index / 4 % 3];
                let answer = match index % 4 {
                    0 | 1 => {
                        let body = json!({"cnst_1": true, "cnst_2": index % 2 == 0});
                        client.put(&format!("/v1/customers/{name}/consents"), body).await
                    }
                    2 => client.delete("/_emulator/consents/cnst_1").await,
                    _ => {
                        let body = json!({"name": "G", "consents": ["cnst_2", "cnst_1"]});
                        client.put("/_emulator/consent-groups/g", body).await
                    }
                };
                assert!([200, 204, 400, 404].contains(&answer.status.as_u16()), "{}", answer.text);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let lists = emulator.client().get("/v1/consents").await.expect(200).json();
    let defined: Vec<_> = lists["consents"]["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    for id in lists.pointer("/groups/data/0/consents").and_then(Value::as_array).into_iter().flatten() {
        assert!(defined.contains(id), "{id} is in a group and not defined");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_loses_no_concurrent_change() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for round in 0..6 {
        let body = json!({"related_object": "customer", "properties": {
            "gone": {"type": "number", "optional": true, "array": false, "deleted": true},
        }});
        client.post("/v1/metadata-schemas", body).await.expect(200);
        for name in ["a", "b"] {
            client.customer(json!({"source_id": name, "metadata": {"gone": round}})).await;
        }
        let changes: Vec<_> = (0..8)
            .map(|index| {
                let client = emulator.client();
                let path = format!("/v1/customers/{}", if index % 2 == 0 { "a" } else { "b" });
                let body = json!({"metadata": {format!("k{round}_{index}"): index}});
                tokio::spawn(async move { client.put(&path, body).await.expect(200) })
            })
            .collect();
        let purge = client.done("/_emulator/metadata-schemas/customer/purge", json!({"key": "gone"})).await;
        assert_eq!(purge["result"]["done_count"], 2);
        for change in changes {
            change.await.unwrap();
        }
        for name in ["a", "b"] {
            let metadata = client.get(&format!("/v1/customers/{name}")).await.json()["metadata"].clone();
            assert_eq!(metadata.as_object().unwrap().len(), 4 * (round + 1), "{metadata}");
            assert!(metadata.get("gone").is_none());
        }
        client.delete("/v1/metadata-schemas/customer").await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segment_members_match_the_filter_after_concurrent_writes_and_segment_changes() {
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    let client = emulator.client();
    for name in ["a", "b", "c"] {
        client.customer(json!({"source_id": name, "metadata": {"n": 1}})).await;
    }
    let calls: Vec<_> = (0..60)
        .map(|index| {
            let client = if index % 2 == 0 { emulator.client() } else { other.client() };
            tokio::spawn(async move {
                let name = ["a", "b", "c", "d", "e"][index / 6 % 5];
                let customer = json!({"source_id": name, "metadata": {"n": index}});
                match index % 6 {
                    0 | 1 => client.post("/v1/customers", customer).await.expect(200),
                    2 => client.post("/v1/events", json!({"event": "e", "customer": customer})).await.expect(200),
                    3 => {
                        let order = json!({"amount": index, "status": "PAID", "customer": customer});
                        client.post("/v1/orders", order).await.expect(200)
                    }
                    4 => {
                        let field = ["metadata.n", "events.e.count", "summary.orders.total_amount"][index / 6 % 3];
                        let filter = json!({"junction": "and", field: {"conditions": {"$more_than": [1]}}});
                        let kind = ["auto-update", "passive"][index / 6 % 2];
                        client
                            .post("/v1/segments", json!({"name": "S", "type": kind, "filter": filter}))
                            .await
                            .expect(200)
                    }
                    _ if index % 12 == 5 => {
                        let number = json!({"type": "number", "optional": true, "array": false, "gte": 0});
                        let body = json!({"related_object": "customer", "properties": {"n": number}});
                        client.post("/v1/metadata-schemas", body).await
                    }
                    _ => {
                        let listed = client.get("/v1/segments?limit=1").await.expect(200);
                        let id = listed.column("data", "id").pop().unwrap_or_default();
                        client.delete(&format!("/v1/segments/{id}")).await
                    }
                }
            })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().status.as_u16() < 500);
    }
    let segments = client.get("/v1/segments?limit=100").await.expect(200);
    let names = client.get("/v1/customers?limit=100").await.expect(200).column("customers", "source_id");
    for segment in segments.column("data", "id") {
        let listed = client.get(&format!("/v1/customers?limit=100&segment_id={segment}")).await.expect(200);
        let members = listed.column("customers", "source_id");
        assert_eq!(listed.json()["total"], members.len());
        for name in &names {
            let own_segments =
                client.get(&format!("/v1/customers/{name}/segments")).await.expect(200).column("data", "id");
            assert_eq!(
                members.contains(name),
                own_segments.contains(&segment),
                "{name}: {} {}",
                segments.text,
                listed.text
            );
        }
    }
    let orphans: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM segment_members m
         WHERE NOT EXISTS (SELECT FROM segments s WHERE s.project_id = m.project_id AND s.id = m.segment_id)
            OR NOT EXISTS (SELECT FROM customers c WHERE c.project_id = m.project_id AND c.id = m.customer_id)",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(orphans, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_concurrent_with_a_confirmation_leaves_nothing() {
    let emulator = TestEmulator::new().await;
    for index in 0..40 {
        let source_id = format!("needle{index}");
        // Half of the customers exist already.
        if index % 2 == 0 {
            emulator.client().customer(json!({"source_id": source_id, "email": "needle@hay.stack"})).await;
        }
        let body = json!({"source_id": source_id, "email": "needle@hay.stack"});
        let unconfirmed = emulator.page().double_opt_in(body).await.expect(200).string("/id");
        let paths = [
            format!("/_emulator/unconfirmed-customers/{unconfirmed}/confirm"),
            format!("/v1/customers/{source_id}/permanent-deletion"),
        ];
        let [confirmed, erased] = paths.map(|path| {
            let client = emulator.client();
            tokio::spawn(async move { client.post(&path, json!({})).await })
        });
        let confirmed = confirmed.await.unwrap();
        assert!([200, 404].contains(&confirmed.status.as_u16()), "{}", confirmed.text);
        erased.await.unwrap().expect(200);
        let left = emulator.client().get(&format!("/v1/customers/{source_id}")).await.status;
        assert_eq!(left, 404, "{}", confirmed.text);
    }
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_double_opt_in_create_one_unconfirmed_customer_and_one_customer() {
    let emulator = TestEmulator::new().await;
    for body in [json!({"source_id": "a"}), json!({"email": "a@x"})] {
        let calls: Vec<_> = (0..12)
            .map(|_| {
                let (page, body) = (emulator.page(), body.clone());
                tokio::spawn(async move { page.double_opt_in(body).await.expect(200).string("/id") })
            })
            .collect();
        let mut ids = Vec::new();
        for call in calls {
            ids.push(call.await.unwrap());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let calls: Vec<_> = (0..6)
            .map(|_| {
                let (client, path) =
                    (emulator.client(), format!("/_emulator/unconfirmed-customers/{}/confirm", ids[0]));
                tokio::spawn(async move { client.post(&path, json!({})).await.status.as_u16() })
            })
            .collect();
        let mut statuses = Vec::new();
        for call in calls {
            statuses.push(call.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404, 404, 404, 404, 404]);
    }
    assert_eq!(emulator.client().get("/v1/customers").await.json()["total"], 2);
}
