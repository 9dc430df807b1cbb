use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestProject};

const PATH: &str = "/_emulator/permanent-deletions";

async fn erase(client: &Client, identifier: &str) -> Answer {
    let path = format!("/v1/customers/{identifier}/permanent-deletion");
    client.call(Method::POST, &path, None).await.expect(200)
}

#[tokio::test]
async fn a_deletion_is_shown_as_the_vendor_does_with_the_removed_rows_by_table() {
    let project = TestProject::new();
    let client = project.client();
    let empty = client.get(PATH).await.expect(200).text;
    assert_eq!(empty, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
    let id = client.customer(json!({"source_id": "alice", "email": "alice@morgan.com"})).await;
    client.customer(json!({"source_id": "bob"})).await;
    for customer in ["alice", "bob"] {
        let order = json!({"customer": {"source_id": customer}, "referrer": {"id": id}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let event = json!({"event": "visit", "customer": {"source_id": "alice"}});
    client.post("/v1/events", event).await.expect(200);
    client.put("/v1/customers/alice/consents", json!({"mail": true})).await.expect(204);
    client.post("/v1/segments", json!({"name": "S", "customers": [id]})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "alice", "name": "A"}, {"source_id": "bob"}])).await;
    project.page().double_opt_in(json!({"email": "alice@morgan.com"})).await.expect(200);
    let erased = erase(&client, "alice").await;
    let shown = client.get(&format!("{PATH}/{}", erased.string("/id"))).await.expect(200);
    let vendors = erased.text.strip_suffix('}').unwrap();
    assert_eq!(
        shown.text,
        format!(
            "{vendors},{}}}",
            concat!(
                r#""removed":{"customers":1,"orders":1,"custom_events":1,"customer_event_counts":1,"customer_activity":4,"#,
                r#""customer_consents":1,"segment_members":1,"unconfirmed_customers":1,"job_results":1}"#
            )
        )
    );
    let list = client.get(PATH).await.expect(200).json();
    assert_eq!((&list["data"], &list["total"]), (&json!([shown.json()]), &json!(1)));
}

#[tokio::test]
async fn the_list_has_pages_and_the_newest_first() {
    let project = TestProject::new();
    let client = project.client();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        client.customer(json!({"source_id": name})).await;
        ids.insert(0, erase(&client, name).await.string("/id"));
    }
    let id = project.page().double_opt_in(json!({"source_id": "u"})).await.expect(200).string("/id");
    ids.insert(0, erase(&client, &id).await.string("/id"));
    let first = client.get(&format!("{PATH}?limit=3")).await.expect(200);
    assert_eq!(first.column("data", "id"), ids[..3]);
    let rows: Vec<Value> = first.json()["data"].as_array().unwrap().iter().map(|row| row["removed"].clone()).collect();
    assert_eq!(rows[0], json!({"unconfirmed_customers": 1}));
    assert_eq!(rows[1], json!({"customers": 1, "customer_activity": 1}));
    let second = client.get(&format!("{PATH}?limit=3&page=2")).await.expect(200);
    assert_eq!((second.column("data", "id"), &second.json()["total"]), (ids[3..].to_vec(), &json!(4)));
    assert_eq!(client.get(&format!("{PATH}?page=9")).await.expect(200).json()["total"], 4);
    client.get(&format!("{PATH}?limit=101")).await.expect(400);
    client.get(&format!("{PATH}?page=0")).await.expect(400);
}

#[tokio::test]
async fn unknown_deletions_and_those_of_other_projects_return_404() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a"})).await;
    let id = erase(&project.client(), "a").await.string("/id");
    for (client, id) in
        [(project.other_project(), id.as_str()), (project.client(), "del_unknown"), (project.client(), "%00")]
    {
        let missing = client.get(&format!("{PATH}/{id}")).await.expect(404);
        assert_eq!(missing.string("/resource_type"), "permanent_deletion");
    }
    assert_eq!(project.other_project().get(PATH).await.expect(200).json()["total"], 0);
    project.client().get(&format!("{PATH}/{id}")).await.expect(200);
}
