use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use voucherify_emulator::clock::Clock;

use crate::support::{Client, TestEmulator, TestProject};

const FAULTS: &str = "/_emulator/faults";

async fn create(client: &Client, body: Value) -> String {
    client.post(FAULTS, body).await.expect(200).string("/id")
}

async fn counts(client: &Client, id: &str) -> (i64, i64) {
    let fault = client.get(&format!("{FAULTS}/{id}")).await.expect(200).json();
    (fault["matches"].as_i64().unwrap(), fault["hits"].as_i64().unwrap())
}

/// Returns the statuses of so many requests.
async fn statuses(client: &Client, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(client.get("/v1/customers").await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn a_fault_is_created_read_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"operation": "create-customer", "times": 2, "status": 503, "after": true});
    let created = client.post(FAULTS, body).await.expect(200);
    let id = created.string("/id");
    assert_eq!(
        created.text,
        format!(
            concat!(
                r#"{{"id":"{id}","object":"fault","operation":"create-customer","skip":0,"times":2,"status":503,"#,
                r#""after":true,"matches":0,"hits":0}}"#
            ),
            id = id
        )
    );
    let second = create(&client, json!({"delay_ms": {"min": 1, "max": 2}, "path": "/v1/**", "method": "get"})).await;
    let list = client.get(FAULTS).await.expect(200);
    assert_eq!((list.column("data", "id"), &list.json()["total"]), (vec![id.clone(), second.clone()], &json!(2)));
    assert_eq!(list.json()["data"][1]["method"], "GET");
    assert!(list.json()["data"][1]["seed"].is_number(), "a seed is chosen");
    assert_eq!(client.get(&format!("{FAULTS}/{id}")).await.expect(200).text, created.text);
    client.delete(&format!("{FAULTS}/{id}")).await.expect(204);
    client.delete(&format!("{FAULTS}/{id}")).await.expect(404);
    client.get(&format!("{FAULTS}/{id}")).await.expect(404);
    client.delete(FAULTS).await.expect(204);
    assert_eq!(client.get(FAULTS).await.expect(200).json()["data"], json!([]));
}

#[tokio::test]
async fn invalid_faults_are_refused_with_the_property() {
    let project = TestProject::new();
    let client = project.client();
    for (body, details) in [
        (json!([]), "Payload must be object"),
        (json!({}), "Payload must have one of the properties 'delay_ms', 'status', 'connection'"),
        (json!({"status": 200}), "Property .status must be from 400 to 599"),
        (json!({"status": 600}), "Property .status must be from 400 to 599"),
        (json!({"status": "503"}), "Property .status must be integer"),
        (json!({"status": 503, "skip": -1}), "Property .skip cannot be lower than 0"),
        (json!({"status": 503, "times": 0}), "Property .times cannot be lower than 1"),
        (json!({"status": 503, "probability": 1.5}), "Property .probability must be from 0 to 1"),
        (json!({"status": 503, "seed": "a"}), "Property .seed must be integer"),
        (json!({"delay_ms": -1}), "Property .delay_ms must be from 0 to 600000"),
        (json!({"delay_ms": {"min": 5}}), "Property .delay_ms should have required property 'max'"),
        (json!({"delay_ms": {"min": 5, "max": 4}}), "Property .delay_ms.max must be from 5 to 600000"),
        (
            json!({"connection": "slow"}),
            "Property .connection must be equal to one of the allowed values [ reset, truncate, hang ]",
        ),
        (json!({"connection": "reset", "status": 500}), "Property .connection must NOT be used together with status"),
        (json!({"delay_ms": 1, "body": {}}), "Property .body must be used together with status"),
        (
            json!({"status": 503, "retry_after_s": 1}),
            "Property .retry_after_s must be used together with the status 429",
        ),
        (
            json!({"status": 503, "operation": "unknown"}),
            "Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet",
        ),
        (
            json!({"status": 503, "operation": "emulator-idle"}),
            "Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet",
        ),
        (
            json!({"status": 503, "operation": "get-customer", "method": "GET"}),
            "Property .operation must NOT be used together with method or path",
        ),
        (json!({"status": 503, "path": "v1"}), "Property .path must begin with /"),
        (json!({"status": 503, "after": 1}), "Property .after must be boolean"),
    ] {
        let answer = client.post(FAULTS, body.clone()).await.expect(400);
        assert_eq!(answer.string("/details"), details, "{body}");
    }
    let unknown = client.post(FAULTS, json!({"status": 503, "tines": 1})).await.expect(400);
    assert!(unknown.string("/details").contains("tines"), "{}", unknown.text);
    client.post(FAULTS, json!({"delay_ms": {"min": 1, "max": 2, "mean": 1}})).await.expect(400);
    project.page().post(FAULTS, json!({"status": 503})).await.expect(401);
    for _ in 0..100 {
        create(&client, json!({"status": 503, "operation": "get-order"})).await;
    }
    let many = client.post(FAULTS, json!({"status": 503})).await.expect(400);
    assert_eq!(many.string("/details"), "A project must NOT have more than 100 faults");
}

#[tokio::test]
async fn a_fault_of_deliveries_is_created_read_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"webhook": "wh_a", "event": "customer.created", "skip": 1, "delay_ms": 5, "duplicate": 2});
    let created = client.post(FAULTS, body).await.expect(200);
    let id = created.string("/id");
    assert_eq!(
        created.text,
        format!(
            concat!(
                r#"{{"id":"{id}","object":"fault","webhook":"wh_a","event":"customer.created","skip":1,"delay_ms":5,"#,
                r#""duplicate":2,"fail":false,"matches":0,"hits":0}}"#
            ),
            id = id
        )
    );
    let event = json!({"event": "customer.segment.entered", "fail": true, "probability": 0.5, "operation": null});
    let by_event = client.post(FAULTS, event).await.expect(200);
    assert_eq!(by_event.string("/webhook"), "*", "the default is every webhook");
    assert!(by_event.json()["seed"].is_number(), "a seed is chosen");
    create(&client, json!({"webhook": "distr_a", "delay_ms": {"min": 0, "max": 600_000}})).await;
    let request = create(&client, json!({"webhook": null, "status": 503, "operation": "get-order"})).await;
    let list = client.get(FAULTS).await.expect(200);
    assert_eq!((&list.json()["total"], &list.json()["data"][3]["id"]), (&json!(4), &json!(request)));
    assert_eq!(client.get(&format!("{FAULTS}/{id}")).await.expect(200).text, created.text);
    project.other_project().get(&format!("{FAULTS}/{id}")).await.expect(404);
    client.delete(&format!("{FAULTS}/{id}")).await.expect(204);
    client.get(&format!("{FAULTS}/{id}")).await.expect(404);
}

#[tokio::test]
async fn invalid_faults_of_deliveries_are_refused_with_the_property() {
    let client = TestProject::new().client();
    for (body, details) in [
        (json!({"webhook": "*"}), "Payload must have one of the properties 'delay_ms', 'duplicate', 'fail'"),
        (
            json!({"event": "customer.created", "fail": false}),
            "Payload must have one of the properties 'delay_ms', 'duplicate', 'fail'",
        ),
        (json!({"fail": true}), "Property .fail must be used together with webhook or event"),
        (json!({"duplicate": 1, "delay_ms": 1}), "Property .duplicate must be used together with webhook or event"),
        (json!({"webhook": "cust_a", "fail": true}), "Property .webhook must be * or the id of a webhook"),
        (json!({"webhook": "wh_", "fail": true}), "Property .webhook must be * or the id of a webhook"),
        (json!({"webhook": 1, "fail": true}), "Property .webhook must be string"),
        (
            json!({"event": "customer.invented", "fail": true}),
            "Property .event must be an event that webhooks can subscribe to",
        ),
        (json!({"webhook": "*", "duplicate": 0}), "Property .duplicate must be from 1 to 10"),
        (json!({"webhook": "*", "duplicate": 11}), "Property .duplicate must be from 1 to 10"),
        (json!({"webhook": "*", "fail": 1}), "Property .fail must be boolean"),
        (
            json!({"webhook": "*", "duplicate": 1, "fail": true}),
            "Property .duplicate must NOT be used together with fail",
        ),
        (json!({"webhook": "*", "delay_ms": 600_001}), "Property .delay_ms must be from 0 to 600000"),
        (json!({"webhook": "*", "fail": true, "probability": 2}), "Property .probability must be from 0 to 1"),
        (json!({"webhook": "*", "fail": true, "times": 0}), "Property .times cannot be lower than 1"),
        (
            json!({"webhook": "*", "operation": "create-customer", "fail": true}),
            "Property .webhook must NOT be used together with operation",
        ),
        (json!({"event": "customer.created", "status": 503}), "Property .event must NOT be used together with status"),
        (json!({"fail": true, "after": true}), "Property .fail must NOT be used together with after"),
        (json!({"webhook": "*", "delay_ms": 1, "body": {}}), "Property .webhook must NOT be used together with body"),
    ] {
        let answer = client.post(FAULTS, body.clone()).await.expect(400);
        assert_eq!(answer.string("/details"), details, "{body}");
    }
    let unknown = client.post(FAULTS, json!({"webhook": "*", "fail": true, "fails": 1})).await.expect(400);
    assert!(unknown.string("/details").contains("fails"), "{}", unknown.text);
}

#[tokio::test]
async fn the_first_matches_pass_and_then_some_are_hit() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = create(&client, json!({"operation": "list-customers", "skip": 1, "times": 2, "status": 503})).await;
    client.get("/v1/orders").await.expect(200);
    assert_eq!(statuses(&client, 5).await, [200, 503, 503, 200, 200]);
    assert_eq!(counts(&client, &id).await, (3, 2), "matches are not counted when the fault is used up");
    let list = client.get(FAULTS).await.expect(200);
    assert_eq!(list.json()["data"][0]["hits"], 2, "a fault that is used up stays in the list");
}

#[tokio::test]
async fn the_first_fault_that_is_not_used_up_hits() {
    let project = TestProject::new();
    let client = project.client();
    let first = create(&client, json!({"status": 500, "skip": 1, "times": 1})).await;
    let second = create(&client, json!({"status": 503, "method": "GET"})).await;
    assert_eq!(statuses(&client, 3).await, [503, 500, 503]);
    assert_eq!((counts(&client, &first).await, counts(&client, &second).await), ((2, 1), (2, 2)));
}

#[tokio::test]
async fn a_fault_acts_on_its_project_only_and_never_on_the_control_plane() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    let id = create(&client, json!({"status": 503})).await;
    client.get("/v1/customers").await.expect(503);
    client.get("/_emulator/project").await.expect(200);
    client.get("/_emulator/none").await.expect(404);
    client.get("/_emulator/reset").await.expect(405);
    other.get("/v1/customers").await.expect(200);
    project.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(503);
    other.get(&format!("{FAULTS}/{id}")).await.expect(404);
    other.delete(&format!("{FAULTS}/{id}")).await.expect(404);
    assert_eq!(other.get(FAULTS).await.expect(200).json()["total"], 0);
    other.delete(FAULTS).await.expect(204);
    client.get("/v1/customers").await.expect(503);
    client.delete(FAULTS).await.expect(204);
    client.get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn a_path_without_a_route_is_hit_by_its_path() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = create(&client, json!({"status": 503, "path": "/v1/customer/*"})).await;
    assert_eq!(raw(&emulator, "/v1/customer/a").await.0, 503);
    client.get("/v1/customer").await.expect(404);
    client.get("/v1/customers/a").await.expect(404);
    assert_eq!(counts(&client, &id).await, (1, 1));
}

#[tokio::test]
async fn the_vendors_body_of_each_status_is_answered() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for (status, body) in [
        (400, r#"{"code":400,"key":"invalid_payload","message":"Invalid payload","request_id":"<v->"}"#),
        (401, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#),
        (
            403,
            r#"{"code":403,"message":"Missing permission","details":"User does not have a required permission to perform this operation.","key":"missing_required_permission"}"#,
        ),
        (404, r#"{"code":404,"key":"not_found","message":"Resource not found","request_id":"<v->"}"#),
        (409, r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","request_id":"<v->"}"#),
        (429, r#"{"code":429,"message":"Too many requests hit the API too quickly."}"#),
        (500, r#"{"code":500,"key":"internal_server_error","message":"Internal Server Error","request_id":"<v->"}"#),
        (502, r#"{"code":502,"message":"Bad Gateway","request_id":"<v->"}"#),
        (599, r#"{"code":599,"message":"Unknown status","request_id":"<v->"}"#),
    ] {
        create(&client, json!({"status": status, "times": 1})).await;
        let (answered, text) = raw(&emulator, "/v1/customers").await;
        assert_eq!(answered, status);
        let shape = text
            .split_once(r#""request_id":""#)
            .map_or(text.clone(), |(before, after)| format!(r#"{before}"request_id":"<v->{}"#, &after[20..]));
        assert_eq!(shape, body);
    }
    create(&client, json!({"status": 418, "times": 1, "body": {"b": 1, "a": "x"}})).await;
    assert_eq!(raw(&emulator, "/v1/customers").await, (418, r#"{"b":1,"a":"x"}"#.to_owned()));
}

/// Sends a request with the server keys, and does not compare the answer with the contract.
async fn raw(emulator: &TestEmulator, path: &str) -> (u16, String) {
    let (app_id, token) = emulator.server_keys();
    let request = Request::get(path).header("x-app-id", app_id).header("x-app-token", token);
    let response = emulator.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_429_has_the_vendors_headers() {
    let emulator = TestEmulator::at("2026-03-01T10:00:10Z").await;
    let client = emulator.client();
    create(&client, json!({"status": 429, "retry_after_s": 7, "times": 1})).await;
    let answer = client.get("/v1/customers").await.expect(429);
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(answer.header("x-rate-limit-remaining"), "0");
    assert_eq!(answer.header("x-rate-limit-retry"), (1_772_359_210 + 7).to_string());
    assert_eq!(answer.header("x-rate-limit-type"), "api_calls");
    create(&client, json!({"status": 429, "times": 1, "after": true})).await;
    let answer = client.get("/v1/customers").await.expect(429);
    assert_eq!((answer.header("retry-after"), answer.header("x-rate-limit-remaining")), ("50", "0"));
    create(&client, json!({"status": 503, "times": 1})).await;
    assert_eq!(client.get("/v1/customers").await.expect(503).header("x-rate-limit-remaining"), "1000000");
}

#[tokio::test]
async fn after_keeps_the_effect_of_the_call() {
    let project = TestProject::new();
    let client = project.client();
    create(&client, json!({"operation": "create-customer", "times": 1, "status": 500})).await;
    create(&client, json!({"operation": "create-customer", "times": 1, "status": 503, "after": true})).await;
    client.post("/v1/customers", json!({"source_id": "before"})).await.expect(500);
    client.get("/v1/customers/before").await.expect(404);
    client.post("/v1/customers", json!({"source_id": "after"})).await.expect(503);
    client.get("/v1/customers/after").await.expect(200);
    client.post("/v1/customers", json!({"source_id": "before"})).await.expect(200);
}

#[tokio::test]
async fn the_log_shows_which_fault_hit_a_request_and_what_was_sent() {
    let project = TestProject::new();
    let client = project.client();
    let id = create(&client, json!({"times": 1, "status": 503})).await;
    for status in [503, 200] {
        client.post("/v1/customers", json!({"source_id": "a"})).await.expect(status);
    }
    let log = client.get("/_emulator/requests").await.expect(200).json();
    let entry = |index: usize| {
        let entry = &log["data"][index];
        (entry["status"].clone(), entry["fault"].clone(), entry["request_body"].as_str().unwrap().to_owned())
    };
    let body = r#"{"source_id":"a"}"#.to_owned();
    assert_eq!((entry(1), entry(0)), ((json!(503), json!(id), body.clone()), (json!(200), json!(null), body)));
}

#[tokio::test]
async fn the_same_seed_hits_the_same_matches() {
    let project = TestProject::new();
    let client = project.client();
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let id = create(&client, json!({"status": 503, "probability": 0.5, "seed": seed})).await;
        runs.push(statuses(&client, 24).await);
        assert_eq!(counts(&client, &id).await.0, 24);
        client.delete(FAULTS).await.expect(204);
    }
    let hits = runs[0].iter().filter(|status| **status == 503).count();
    assert!((4..=20).contains(&hits), "{hits}");
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    create(&client, json!({"status": 503, "probability": 0})).await;
    assert_eq!(statuses(&client, 3).await, [200; 3]);
    create(&client, json!({"status": 503, "probability": 1})).await;
    assert_eq!(statuses(&client, 3).await, [503; 3]);
}

#[tokio::test]
async fn a_delay_postpones_the_call() {
    let emulator =
        TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_millis(700)).await;
    let client = emulator.client();
    create(&client, json!({"delay_ms": 120, "times": 1})).await;
    create(&client, json!({"delay_ms": {"min": 120, "max": 140}, "times": 1, "status": 503})).await;
    for status in [200, 503] {
        let start = Instant::now();
        client.get("/v1/customers").await.expect(status);
        assert!(start.elapsed() >= Duration::from_millis(120), "{:?}", start.elapsed());
    }
    create(&client, json!({"connection": "hang", "times": 1, "after": true})).await;
    let answer = client.post("/v1/customers", json!({"source_id": "hung"})).await.expect(503);
    assert!(answer.string("/details").starts_with("The request took longer than"), "{}", answer.text);
    client.get("/v1/customers/hung").await.expect(200);
}

#[tokio::test]
async fn several_emulators_count_together() {
    let emulator = TestEmulator::new().await;
    let another = emulator.start_another(|_| {}).await;
    let id = create(&emulator.client(), json!({"status": 503, "skip": 1, "times": 2})).await;
    let mut seen = Vec::new();
    for client in [emulator.client(), another.client(), emulator.client(), another.client()] {
        seen.push(client.get("/v1/customers").await.status.as_u16());
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    assert_eq!(counts(&another.client(), &id).await, (3, 2));
}

#[tokio::test]
async fn calls_of_stickystreet_are_hit_in_its_form() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "1"})).await;
    let (app_id, token) = emulator.server_keys();
    let fields =
        |kind: &str| format!("user_id={app_id}&user_password={token}&account_id=Sandbox%20Project&type={kind}&code=1");
    create(&client, json!({"operation": "stickystreet-by-form", "status": 500, "times": 1})).await;
    let answer = client.form("/stickystreet", &fields("customer_delete")).await.expect(500);
    assert!(answer.text.contains("<error>"), "{}", answer.text);
    client.form("/stickystreet", &fields("customer_info")).await.expect(200);
    create(&client, json!({"path": "/stickystreet", "status": 503, "times": 1, "after": true})).await;
    client.form("/stickystreet", &fields("customer_delete")).await.expect(503);
    client.get("/v1/customers/1").await.expect(404);
}

#[tokio::test]
async fn a_truncated_answer_has_the_length_of_the_whole_one() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    create(&client, json!({"method": "POST", "connection": "truncate", "times": 1})).await;
    let (app_id, token) = emulator.server_keys();
    let request = Request::post("/v1/customers")
        .header("x-app-id", app_id)
        .header("x-app-token", token)
        .body(Body::from(r#"{"source_id":"t"}"#))
        .unwrap();
    let response = emulator.router().oneshot(request).await.unwrap();
    let length = http_body::Body::size_hint(response.body()).exact().unwrap();
    let mut body = response.into_body();
    let half = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(half.starts_with(b"{\"id\":") && half.len() as u64 == length / 2, "{} of {length}", half.len());
    assert!(body.frame().await.unwrap().is_err());
    client.call(Method::GET, "/v1/customers/t", None).await.expect(200);
}

#[tokio::test]
async fn loading_a_state_document_leaves_faults_as_they_are() {
    let client = TestProject::new().client();
    client.post("/_emulator/faults", json!({"operation": "create-customer", "status": 503})).await.expect(200);
    client.put("/_emulator/state", json!({"customers": []})).await.expect(200);
    assert_eq!(client.get("/_emulator/faults").await.expect(200).json()["total"], 1);
    client.post("/v1/customers", json!({})).await.expect(503);
    client.post("/_emulator/reset", json!({})).await.expect(200);
    assert_eq!(client.get("/_emulator/faults").await.expect(200).json()["total"], 0);
    client.post("/v1/customers", json!({})).await.expect(200);
}
