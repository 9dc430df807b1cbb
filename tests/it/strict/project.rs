//! The setting of one project.

use serde_json::{Value, json};

use crate::support::{Answer, TestEmulator, TestProject};

const PROJECT: &str = "/_emulator/project";

async fn strict() -> TestProject {
    let project = TestProject::new();
    project.client().put(PROJECT, json!({"strict": true})).await.expect(200);
    project
}

fn invalid(details: &str) -> String {
    format!(
        r#"{{"code":400,"key":"invalid_payload","message":"Invalid payload","details":"{details}","request_id":"<v->"}}"#
    )
}

async fn customer_count(project: &TestProject) -> Value {
    project.client().get("/v1/customers").await.expect(200).json()["total"].clone()
}

#[tokio::test]
async fn the_setting_is_shown_and_changes_only_its_own_project() {
    let project = TestProject::new();
    let set = async |strict: Value| project.client().put(PROJECT, json!({"strict": strict})).await;
    assert_eq!(project.client().get(PROJECT).await.expect(200).json()["strict"], false);
    assert_eq!(set(json!(true)).await.expect(200).json()["strict"], true);
    assert_eq!(set(json!(null)).await.expect(200).json()["strict"], true, "null changes nothing");
    assert_eq!(project.client().get(PROJECT).await.expect(200).json()["strict"], true);
    assert_eq!(project.other_project().get(PROJECT).await.expect(200).json()["strict"], false);
    let body = json!({"source_id": "a", "surplus": 1});
    project.client().post("/v1/customers", body.clone()).await.expect(400);
    project.other_project().post("/v1/customers", body.clone()).await.expect(200);
    assert_eq!(set(json!(false)).await.expect(200).json()["strict"], false);
    project.client().post("/v1/customers", body).await.expect(200);
    let answer = set(json!("yes")).await.expect(400);
    assert_eq!(answer.shape(), invalid("Property .strict must be boolean"));
}

#[tokio::test]
async fn an_unknown_member_is_refused_before_anything_is_written() {
    let project = strict().await;
    let client = project.client();
    let address = json!({"source_id": "a", "address": {"city": "b", "planet": "c"}});
    for (path, body, path_of_member) in [
        ("/v1/customers", json!({"source_id": "a", "surplus": null}), ".surplus"),
        ("/v1/customers", address, ".address.planet"),
        ("/v1/orders", json!({"customer": {"source_id": "a", "loyalty": {}}}), ".customer.loyalty"),
        ("/v1/orders", json!({"customer": {"source_id": "a"}, "items": [{}, {"x": 1}]}), ".items[1].x"),
        ("/v1/events", json!({"event": "e", "customer": {"source_id": "a"}, "x": 1}), ".x"),
        ("/v1/customers/bulk/async", json!([{"source_id": "a"}, {"source_id": "b", "x": 1}]), "[1].x"),
        ("/v1/orders/import", json!([{"customer": {"source_id": "a", "x": 1}}]), "[0].customer.x"),
        ("/v1/customers/metadata/async", json!({"source_ids": ["a"], "metadata": {}, "x": 1}), ".x"),
    ] {
        let answer = client.post(path, body).await.expect(400);
        assert_eq!(answer.shape(), invalid(&format!("Property {path_of_member} is unknown")), "{path}");
    }
    assert_eq!(customer_count(&project).await, 0);
    assert_eq!(client.get("/v1/orders").await.expect(200).json()["total"], 0);
    let actions = client.get("/v1/async-actions").await.expect(200).json();
    assert_eq!(actions["async_actions"], json!([]));
}

#[tokio::test]
async fn metadata_is_free_and_an_invalid_member_is_reported_before_an_unknown_one() {
    let project = strict().await;
    let body = json!({"source_id": "a", "metadata": {"any": {"thing": 1}}, "system_metadata": {}});
    let answer = project.client().post("/v1/customers", body).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .system_metadata is unknown");
    let answer = project.client().post("/v1/customers", json!({"x": 1, "name": 1})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .name must be string");
    let body = json!({"source_id": "a", "metadata": {"any": {"thing": 1}}});
    project.client().post("/v1/customers", body).await.expect(200);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_with_and_without_a_query_of_the_operation() {
    let project = strict().await;
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let refused = |answer: Answer, name: &str| {
        assert_eq!(
            (answer.string("/key").as_str(), answer.string("/details")),
            ("invalid_query_params", format!("Property .{name} is unknown"))
        );
    };
    refused(client.get("/v1/customers?limit=1&surplus=1").await.expect(400), "surplus");
    refused(client.get("/v1/customers?created_at%5Bnear%5D=2024-01-01").await.expect(400), "created_at.near");
    refused(client.get("/v1/customers/a?surplus").await.expect(400), "surplus");
    refused(client.post("/v1/customers?surplus=1", json!({"source_id": "b"})).await.expect(400), "surplus");
    refused(client.delete("/v1/customers/a?force=true").await.expect(400), "force");
    assert_eq!(customer_count(&project).await, 1);
    client.get("/v1/customers?limit=1&page=1&email=&filters%5Bjunction%5D=and").await.expect(200);
}

#[tokio::test]
async fn a_body_is_refused_by_an_operation_that_has_none() {
    let project = strict().await;
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let with_body = async |method: &str, path: &str, body: &str| {
        client.call(method.parse().unwrap(), path, Some(body.to_owned())).await
    };
    let answer = with_body("DELETE", "/v1/customers/a", r#"{"force":true}"#).await.expect(400);
    assert_eq!(answer.shape(), invalid("Property .force is unknown"));
    let erase = "/v1/customers/a/permanent-deletion";
    let answer = with_body("POST", erase, r#"{"force":true}"#).await.expect(400);
    assert_eq!(answer.shape(), invalid("Property .force is unknown"));
    with_body("POST", erase, "[]").await.expect(400);
    assert_eq!(customer_count(&project).await, 1);
    with_body("POST", erase, "{}").await.expect(200);
}

#[tokio::test]
async fn identifiers_that_are_sent_as_numbers_are_refused() {
    let project = strict().await;
    let client = project.client();
    for (path, body, property) in [
        ("/v1/customers", json!({"source_id": 17}), ".source_id"),
        ("/v1/orders", json!({"source_id": 17}), ".source_id"),
        ("/v1/orders", json!({"customer_id": 17}), ".customer_id"),
        ("/v1/orders", json!({"items": [{"product_id": 17}]}), ".items[0].product_id"),
        ("/v1/segments", json!({"name": "s", "customers": [17]}), ".customers[0]"),
        ("/v1/customers/bulk/async", json!([{"source_id": 17}]), "[0].source_id"),
        ("/v1/customers/metadata/async", json!({"source_ids": [17], "metadata": {}}), ".source_ids[0]"),
    ] {
        let answer = client.post(path, body.clone()).await.expect(400);
        assert_eq!(answer.shape(), invalid(&format!("Property {property} must be string")), "{path}");
        assert_ne!(project.other_project().post(path, body).await.status, 400, "{path} is not strict");
    }
    assert_eq!(customer_count(&project).await, 0);
}

#[tokio::test]
async fn pages_and_client_side_functions_are_closed_until_they_are_opened() {
    let project = strict().await;
    let shown = project.client().get(PROJECT).await.expect(200).json();
    assert_eq!(shown["client_trusted_domains"], json!([]));
    assert_eq!(
        (&shown["client_create_customer_enabled"], &shown["client_loyalty_events_enabled"]),
        (&json!(false), &json!(false))
    );
    let create = async || project.page().post("/client/v1/customers", json!({"source_id": "a"})).await;
    let track = async || {
        let event = json!({"event": "e", "customer": {"source_id": "a"}});
        project.page().post("/client/v1/events", event).await
    };
    let open = async |body: Value| project.client().put(PROJECT, body).await.expect(200);
    let unauthorized = r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#;
    assert_eq!(project.page().get("/client/v1/consents").await.expect(401).text, unauthorized);
    open(json!({"client_trusted_domains": [project.origin()]})).await;
    project.page().get("/client/v1/consents").await.expect(200);
    assert_eq!(create().await.expect(401).text, unauthorized);
    assert_eq!(track().await.expect(401).text, unauthorized);
    open(json!({"client_create_customer_enabled": true})).await;
    create().await.expect(200);
    track().await.expect(401);
    open(json!({"client_loyalty_events_enabled": true})).await;
    track().await.expect(200);
    assert_eq!(customer_count(&project).await, 1);
    // What was opened stays open when the project is no longer strict, and the rest opens.
    open(json!({"strict": false})).await;
    project.other_page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
}

#[tokio::test]
async fn a_consent_must_be_defined_before_it_is_given() {
    let project = strict().await;
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    let path = format!("/v1/customers/{id}/consents");
    client.put("/_emulator/consents/news", json!({"name": "News"})).await.expect(200);
    client.put(&path, json!({"news": true})).await.expect(204);
    let answer = client.put(&path, json!({"news": false, "other": true})).await.expect(400);
    assert_eq!(answer.shape(), invalid("Property .other is unknown"));
    assert_eq!(client.get("/v1/consents").await.expect(200).json()["consents"]["total"], 1);
    client.put(&path, json!({"unsubscribed": true})).await.expect(204);
}

#[tokio::test]
async fn operations_of_the_emulator_refuse_unknown_members_also_when_the_project_is_not_strict() {
    let project = TestProject::new();
    let client = project.client();
    let webhook = json!({"target_url": "https://receiver.example", "events": ["customer.created"], "x": 1});
    let answer = client.post("/_emulator/webhooks", webhook).await.expect(400);
    assert_eq!(answer.shape(), invalid("Property .x is unknown"));
    assert_eq!(client.get("/_emulator/webhooks").await.expect(200).json()["total"], 0);
    client.put(PROJECT, json!({"name": "n", "x": 1})).await.expect(400);
    client.get("/_emulator/project?x=1").await.expect(200);
}

#[tokio::test]
async fn the_whole_server_is_strict_with_the_option() {
    let emulator = TestEmulator::with(voucherify_emulator::clock::Clock::System, |config| config.strict = true).await;
    assert_eq!(emulator.client().put(PROJECT, json!({"strict": false})).await.expect(200).json()["strict"], true);
    emulator.client().post("/v1/customers", json!({"x": 1})).await.expect(400);
    emulator.other_project().post("/v1/customers", json!({"x": 1})).await.expect(400);
    emulator.page().post("/client/v1/customers", json!({})).await.expect(401);
    emulator.client().form("/v1/oauth/token", "grant_type=client_credentials&scope=api&x=1").await.expect(400);
    emulator.client().get("/_emulator/health?x=1").await.expect(400);

    let manager = emulator.manager();
    let project = |cluster: &str| json!({"name": "n", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR", "cluster_id": cluster});
    let mut unknown = project("eu1");
    unknown["x"] = json!(1);
    manager.post("/management/v1/projects", unknown).await.expect(400);
    let answer = manager.post("/management/v1/projects", project("us1")).await.expect(403);
    assert_eq!(
        answer.shape(),
        r#"{"code":403,"key":"forbidden","message":"Forbidden","details":"Project is bound to different region","request_id":"<v->"}"#
    );
    assert_eq!(manager.get("/management/v1/projects").await.expect(200).json()["total"], 2);
    let created = manager.post("/management/v1/projects", project("eu1")).await.expect(200).json();
    assert_eq!(
        (&created["client_trusted_domains"], &created["client_create_customer_enabled"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn a_strict_project_does_not_refuse_another_region() {
    let project = strict().await;
    let body =
        json!({"name": "n", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR", "cluster_id": "us1"});
    project.manager().post("/management/v1/projects", body).await.expect(200);
}

#[tokio::test]
async fn another_emulator_follows_the_setting_within_a_second() {
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    let surplus = json!({"source_id": "a", "surplus": 1});
    other.client().post("/v1/customers", surplus.clone()).await.expect(200);
    emulator.client().put(PROJECT, json!({"strict": true})).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    other.client().post("/v1/customers", surplus).await.expect(400);
}
