use axum::http::Method;
use serde_json::json;

use super::world;
use crate::support::{Receiver, TestEmulator, TestProject};

const PATH: &str = "/_emulator/snapshots";

#[tokio::test]
async fn a_restored_project_answers_every_call_as_before() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let client = project.client();
    world::fill(&project, &receiver).await;
    let before = world::answers(&client).await;
    let downloads = before.iter().filter(|(path, _)| path.contains("token=")).count();
    assert!(before.len() > 45 && downloads == 5, "{} answers, {downloads} downloads", before.len());
    let created = client.call(Method::PUT, &format!("{PATH}/full"), None).await.expect(200);
    insta::assert_snapshot!(created.snapshot(), @r#"
    {
      "object": "snapshot",
      "name": "full",
      "created_at": "<time>",
      "counts": {
        "customers": 3,
        "orders": 3,
        "events": 2,
        "segments": 4,
        "consents": 1,
        "consent_groups": 1,
        "metadata_schemas": 1,
        "event_schemas": 1,
        "webhooks": 2,
        "jobs": 2,
        "exports": 2,
        "deliveries": 3,
        "activity": 15,
        "unconfirmed_customers": 1,
        "permanent_deletions": 1
      }
    }
    "#);
    assert_eq!(world::answers(&client).await, before);

    client.put("/v1/customers/alice", json!({"name": "Other", "metadata": {"tier": "none"}})).await.expect(200);
    client.customer(json!({"source_id": "new", "metadata": {"tier": "gold"}})).await;
    client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    client.delete("/v1/metadata-schemas/customer").await.expect(204);
    client.put("/_emulator/project", json!({"client_trusted_domains": [], "name": "Other"})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "newer"}])).await;
    let restored = client.call(Method::POST, &format!("{PATH}/full/restore"), None).await.expect(200);
    assert_eq!(restored.text, created.text);
    assert_eq!(world::answers(&client).await, before);

    client.post("/_emulator/reset", json!({})).await.expect(200);
    client.call(Method::POST, &format!("{PATH}/full/restore"), None).await.expect(200);
    assert_eq!(world::answers(&client).await, before);
    // The project works as it did: filters, schemas and consents apply to what is written next.
    let refused = client.post("/v1/customers", json!({"source_id": "x", "metadata": {"tier": 1}})).await;
    refused.expect(400);
    client.customer(json!({"source_id": "x", "metadata": {"tier": "gold"}})).await;
    let names = client.get("/v1/customers/x/segments").await.expect(200).column("data", "name");
    assert_eq!(names, ["auto-update", "passive", "recent"]);
}

#[tokio::test]
async fn snapshots_are_listed_read_replaced_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    assert_eq!(client.get(PATH).await.expect(200).text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
    let first = client.put(&format!("{PATH}/one"), json!({})).await.expect(200);
    client.customer(json!({"source_id": "a"})).await;
    let second = client.put(&format!("{PATH}/Two_2.b-c"), json!({})).await.expect(200);
    let list = client.get(PATH).await.expect(200);
    assert_eq!(
        list.text,
        format!(r#"{{"object":"list","data_ref":"data","data":[{},{}],"total":2}}"#, second.text, first.text)
    );
    assert_eq!(client.get(&format!("{PATH}/one")).await.expect(200).text, first.text);
    let replaced = client.put(&format!("{PATH}/one"), json!({})).await.expect(200);
    assert_eq!((&first.json()["counts"]["customers"], &replaced.json()["counts"]["customers"]), (&json!(0), &json!(1)));
    assert_eq!(client.get(&format!("{PATH}/one")).await.expect(200).text, replaced.text);
    assert_eq!(client.get(PATH).await.expect(200).column("data", "name"), ["one", "Two_2.b-c"]);
    client.delete(&format!("{PATH}/one")).await.expect(204);
    for answer in [
        client.get(&format!("{PATH}/one")).await,
        client.delete(&format!("{PATH}/one")).await,
        client.post(&format!("{PATH}/one/restore"), json!({})).await,
    ] {
        let answer = answer.expect(404);
        assert_eq!(
            (answer.string("/key"), answer.string("/resource_type")),
            ("not_found".to_owned(), "snapshot".to_owned())
        );
    }
    assert_eq!(client.get(PATH).await.expect(200).column("data", "name"), ["Two_2.b-c"]);
}

#[tokio::test]
async fn invalid_names_and_members_are_refused() {
    let project = TestProject::new();
    let client = project.client();
    for name in ["a%20b", "%C3%A9", "a%2Fb", &"n".repeat(65)] {
        for answer in [
            client.put(&format!("{PATH}/{name}"), json!({})).await,
            client.get(&format!("{PATH}/{name}")).await,
            client.delete(&format!("{PATH}/{name}")).await,
            client.post(&format!("{PATH}/{name}/restore"), json!({})).await,
        ] {
            let details = answer.expect(400).string("/details");
            assert_eq!(details, "The name of a snapshot must have 1 to 64 of the characters A-Z a-z 0-9 . _ -");
        }
    }
    for answer in [
        client.put(&format!("{PATH}/a"), json!({"keep": []})).await,
        client.post(&format!("{PATH}/a/restore"), json!({"keep": []})).await,
    ] {
        assert_eq!(answer.expect(400).string("/details"), "Property .keep is unknown");
    }
    client.put(&format!("{PATH}/{}", "n".repeat(64)), json!({})).await.expect(200);
}

#[tokio::test]
async fn a_project_has_at_most_100_snapshots() {
    let project = TestProject::new();
    let client = project.client();
    for number in 0..100 {
        client.put(&format!("{PATH}/{number}"), json!({})).await.expect(200);
    }
    let refused = client.put(&format!("{PATH}/more"), json!({})).await.expect(400);
    assert_eq!(refused.string("/details"), "A project must NOT have more than 100 snapshots");
    client.put(&format!("{PATH}/7"), json!({})).await.expect(200);
    client.delete(&format!("{PATH}/8")).await.expect(204);
    client.put(&format!("{PATH}/more"), json!({})).await.expect(200);
    assert_eq!(client.get(PATH).await.expect(200).json()["total"], 100);
}

#[tokio::test]
async fn snapshots_belong_to_their_project_and_no_list_shows_them_as_projects() {
    let emulator = TestEmulator::new().await;
    let (client, other) = (emulator.client(), emulator.other_project());
    client.customer(json!({"source_id": "a"})).await;
    other.customer(json!({"source_id": "b"})).await;
    let projects = emulator.manager().get("/management/v1/projects").await.expect(200).text;
    client.put(&format!("{PATH}/one"), json!({})).await.expect(200);
    other.get(&format!("{PATH}/one")).await.expect(404);
    other.post(&format!("{PATH}/one/restore"), json!({})).await.expect(404);
    other.delete(&format!("{PATH}/one")).await.expect(404);
    assert_eq!(other.get(PATH).await.expect(200).json()["total"], 0);
    other.put(&format!("{PATH}/one"), json!({})).await.expect(200);
    client.post(&format!("{PATH}/one/restore"), json!({})).await.expect(200);
    assert_eq!(client.get("/v1/customers").await.expect(200).column("customers", "source_id"), ["a"]);
    assert_eq!(other.get("/v1/customers").await.expect(200).column("customers", "source_id"), ["b"]);
    assert_eq!(emulator.manager().get("/management/v1/projects").await.expect(200).text, projects);
    let hidden: String = sqlx::query_scalar("SELECT public_id FROM projects WHERE snapshot_of IS NOT NULL LIMIT 1")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    emulator.manager().get(&format!("/management/v1/projects/{hidden}")).await.expect(404);
}

#[tokio::test]
async fn a_deleted_project_or_snapshot_leaves_no_rows() {
    let emulator = TestEmulator::new().await;
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = emulator.manager().post("/management/v1/projects", body).await.expect(200);
    let keys = ["/server_side_key/app_id", "/server_side_key/app_token"].map(|key| created.string(key));
    let client = emulator.client_with(&keys[0], &keys[1]);
    client.customer(json!({"source_id": "someone"})).await;
    for name in ["one", "two"] {
        client.put(&format!("{PATH}/{name}"), json!({})).await.expect(200);
    }
    client.delete(&format!("{PATH}/one")).await.expect(204);
    let id = created.string("/id");
    emulator.manager().delete(&format!("/management/v1/projects/{id}")).await.expect(204);
    for _ in 0..200 {
        if emulator.tables_with("someone").await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(emulator.tables_with("someone").await, Vec::<String>::new());
    for _ in 0..200 {
        let projects: i64 =
            sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
        if projects == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the rows of the snapshots stay in projects");
}

#[tokio::test]
async fn expiry_leaves_snapshots_as_they_are() {
    let (emulator, receiver) = (TestEmulator::at("2024-01-01T00:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    world::fill(&emulator, &receiver).await;
    let before = world::answers(&client).await;
    client.put(&format!("{PATH}/old"), json!({})).await.expect(200);
    emulator.set_clock("2025-01-01T00:00:00Z");
    emulator.expire_deliveries().await;
    emulator.expire_unconfirmed_customers().await;
    emulator.set_clock("2024-01-01T00:00:00Z");
    assert_ne!(world::answers(&client).await, before);
    client.post(&format!("{PATH}/old/restore"), json!({})).await.expect(200);
    assert_eq!(world::answers(&client).await, before);
}

#[tokio::test]
async fn unfinished_work_is_left_out_and_cancelled_by_a_restore() {
    let mut emulator = TestEmulator::new().await;
    emulator.stop_workers().await;
    let client = emulator.client();
    let webhook = json!({"target_url": "http://localhost:1", "events": ["customer.created"]});
    client.post("/_emulator/webhooks", webhook).await.expect(200);
    client.customer(json!({"source_id": "a"})).await;
    client.post("/v1/customers/bulk/async", json!([{"source_id": "b"}])).await.expect(202);
    let counts = client.put(&format!("{PATH}/one"), json!({})).await.expect(200).json()["counts"].clone();
    assert_eq!((&counts["jobs"], &counts["deliveries"], &counts["customers"]), (&json!(0), &json!(0), &json!(1)));
    assert_eq!(client.get("/v1/async-actions").await.expect(200).json()["async_actions"].as_array().unwrap().len(), 1);
    client.post(&format!("{PATH}/one/restore"), json!({})).await.expect(200);
    let actions = client.get("/v1/async-actions").await.expect(200).json();
    assert_eq!(actions["async_actions"], json!([]));
    assert_eq!(client.get("/_emulator/webhooks/deliveries").await.expect(200).json()["data"], json!([]));
    let slices: i64 = sqlx::query_scalar("SELECT count(*) FROM job_slices").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(slices, 0);
}
