use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, Receiver, Reply, TestEmulator, TestProject};

const PATH: &str = "/_emulator/clock";
const ADVANCE: &str = "/_emulator/clock/advance";

async fn freeze(client: &Client, now: &str) {
    client.put(PATH, json!({"now": now, "frozen": true})).await.expect(200);
}

async fn advance(client: &Client, by: &str) -> Value {
    client.post(ADVANCE, json!({"by": by})).await.expect(200).json()
}

/// Returns the time and the type of each activity entry of a customer, oldest first.
async fn activity(client: &Client, customer: &str) -> Vec<(String, String)> {
    let listed = client.get(&format!("/v1/customers/{customer}/activity?limit=100")).await.expect(200).json();
    let mut entries: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["created_at"].as_str().unwrap().to_owned(), entry["type"].as_str().unwrap().to_owned()))
        .collect();
    entries.reverse();
    entries
}

#[tokio::test]
async fn a_clock_is_frozen_runs_elsewhere_and_returns_to_real_time() {
    let client = TestProject::new().client();
    let real = client.get(PATH).await.expect(200).json();
    assert_eq!((&real["object"], &real["mode"]), (&json!("clock"), &json!("real")));
    let frozen = client.put(PATH, json!({"now": "2030-01-01T00:00:00Z", "frozen": true})).await.expect(200);
    assert_eq!(frozen.text, r#"{"object":"clock","now":"2030-01-01T00:00:00.000Z","mode":"frozen"}"#);
    assert_eq!(client.get(PATH).await.expect(200).text, frozen.text);
    // The time alone leaves the clock frozen, and thawing leaves the time.
    let set = client.put(PATH, json!({"now": "2024-02-29T12:00:00.5Z"})).await.expect(200);
    assert_eq!(set.text, r#"{"object":"clock","now":"2024-02-29T12:00:00.500Z","mode":"frozen"}"#);
    let thawed = client.put(PATH, json!({"frozen": false})).await.expect(200).json();
    assert_eq!((&thawed["mode"], &thawed["now"]), (&json!("offset"), &json!("2024-02-29T12:00:00.500Z")));
    let later = client.get(PATH).await.expect(200).string("/now");
    assert!(later.as_str() > "2024-02-29T12:00:00.500Z" && later.as_str() < "2024-02-29T12:01:00.000Z", "{later}");
    assert_eq!(client.delete(PATH).await.expect(204).text, "");
    let real = client.get(PATH).await.expect(200).json();
    assert_eq!(real["mode"], "real");
    let unchanged = client.put(PATH, json!({"frozen": false})).await.expect(200).json();
    assert_eq!(unchanged["mode"], "real", "real time runs already");
}

#[tokio::test]
async fn a_wrong_clock_is_refused() {
    let client = TestProject::new().client();
    for (body, details) in [
        (json!({}), "Payload must have the property 'now' or 'frozen'"),
        (json!([]), "Payload must be object"),
        (json!({"now": 1}), "Property .now must be string"),
        (json!({"now": "soon"}), "Property .now cannot be recognized as a ISO-8601 compliant date"),
        (json!({"frozen": "yes"}), "Property .frozen must be boolean"),
        (json!({"frozen": true, "speed": 2}), "Property .speed is unknown"),
        (
            json!({"now": "2016-05-04T23:59:59.999Z"}),
            "Property .now must be a time from 2016-05-05T00:00:00.000Z to 2099-12-31T23:59:59.999Z",
        ),
        (
            json!({"now": "2100-01-01"}),
            "Property .now must be a time from 2016-05-05T00:00:00.000Z to 2099-12-31T23:59:59.999Z",
        ),
    ] {
        let refused = client.put(PATH, body.clone()).await.expect(400).json();
        assert_eq!((&refused["key"], &refused["details"]), (&json!("invalid_payload"), &json!(details)), "{body}");
    }
    for limit in ["2016-05-05T00:00:00Z", "2099-12-31T23:59:59.999Z"] {
        freeze(&client, limit).await;
        client.customer(json!({"source_id": limit})).await;
    }
}

#[tokio::test]
async fn a_wrong_advance_is_refused() {
    let client = TestProject::new().client();
    freeze(&client, "2030-01-01T00:00:00Z").await;
    let duration = "Property .by must be a positive duration in the format of ISO 8601, such as P1DT2H";
    let one_of = "Payload must have one of the properties 'by' and 'to'";
    for (body, details) in [
        (json!({}), one_of),
        (json!({"by": "P1D", "to": "2031-01-01"}), one_of),
        (json!({"by": "1 day"}), duration),
        (json!({"by": "-P1D"}), duration),
        (json!({"by": 1}), "Property .by must be string"),
        (json!({"by": "P1D", "x": 1}), "Property .x is unknown"),
        (
            json!({"to": "2029-12-31T23:59:59.999Z"}),
            "Property .to must not be before the time of the clock, 2030-01-01T00:00:00.000Z",
        ),
        (
            json!({"by": "P70Y"}),
            "Property .by must be a time from 2016-05-05T00:00:00.000Z to 2099-12-31T23:59:59.999Z",
        ),
    ] {
        let refused = client.post(ADVANCE, body.clone()).await.expect(400).json();
        assert_eq!(refused["details"], details, "{body}");
    }
    assert_eq!(client.get(PATH).await.expect(200).string("/now"), "2030-01-01T00:00:00.000Z");
    client.post(ADVANCE, json!({"to": "2030-01-01T00:00:00Z"})).await.expect(200);
    assert_eq!(advance(&client, "P1DT2H").await["now"], "2030-01-02T02:00:00.000Z");
}

#[tokio::test]
async fn a_clock_belongs_to_one_project() {
    let project = TestProject::new();
    freeze(&project.client(), "2030-01-01T00:00:00Z").await;
    let theirs = project.other_project().get(PATH).await.expect(200).json();
    assert_eq!(theirs["mode"], "real");
    let created = project.other_project().post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    assert!(!created.string("/created_at").starts_with("2030"));
}

#[tokio::test]
async fn everything_that_a_project_shows_has_the_time_of_its_clock() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let receiver = Receiver::start().await;
    freeze(&client, "2031-05-06T07:08:09.123Z").await;
    let events = json!(["customer.created"]);
    client.post("/_emulator/webhooks", json!({"target_url": receiver.url(), "events": events})).await.expect(200);
    let customer = client.post("/v1/customers", json!({"source_id": "alice"})).await.expect(200).json();
    client.put("/v1/customers/alice", json!({"name": "Alice"})).await.expect(200);
    let order = json!({"source_id": "o", "amount": 100, "status": "PAID", "customer": {"source_id": "alice"}});
    client.post("/v1/orders", order).await.expect(200);
    client.put("/v1/orders/o", json!({"amount": 200})).await.expect(200);
    client.post("/v1/events", json!({"event": "e", "customer": {"source_id": "alice"}})).await.expect(200);
    client.post("/v1/segments", json!({"name": "s", "type": "static", "customers": []})).await.expect(200);
    let schema = json!({"related_object": "customer", "properties": {"a": {"type": "string", "optional": true, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    client.put("/_emulator/consents/cnst_news", json!({"name": "News"})).await.expect(200);
    client.put("/v1/customers/alice/consents", json!({"cnst_news": true})).await.expect(204);
    let job = client.post("/v1/customers/bulk/async", json!([{"source_id": "bob"}])).await.expect(202);
    let export = client
        .post("/v1/exports", json!({"exported_object": "customer", "parameters": {"fields": ["id"]}}))
        .await
        .expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let mut shown = Vec::new();
    for path in [
        "/v1/customers/alice",
        "/v1/customers/alice/activity",
        "/v1/orders",
        "/v1/segments",
        "/v1/metadata-schemas",
        "/v1/consents",
        "/_emulator/webhooks",
        "/_emulator/webhooks/deliveries",
        &format!("/v1/async-actions/{}", job.string("/async_action_id")),
        &format!("/v1/exports/{}", export.string("/id")),
    ] {
        let answer = client.get(path).await.expect(200);
        collect_times(path, &answer.json(), &mut shown);
    }
    assert!(shown.len() > 30, "{shown:?}");
    for (path, time) in &shown {
        // A job finishes at the time of the clock and shows a millisecond of its own for each row; results expire later.
        let expected = ["2031-05-06T07:08:09.12", "2031-05-13T07:08:09.12"];
        assert!(expected.iter().any(|expected| time.starts_with(expected)), "{path}: {time}");
    }
    let messages = receiver.received(1).await;
    assert!(messages[0].text("/created_at").starts_with("2031-05-06T07:08:09.123Z"), "{:?}", messages[0].body);
    // The ids that contain a time contain that of the clock: the customer's activity, the order and the event.
    let entry = client.get("/v1/customers/alice/activity?limit=1").await.expect(200).string("/data/0/id");
    let next_day = "2031-05-07T00:00:00Z".parse().unwrap();
    let day = "2031-05-06T00:00:00Z".parse().unwrap();
    let bound = |time| voucherify_emulator::domain::time_ordered_id::lower_bound("evcus_", time);
    assert!(bound(day) < entry && entry < bound(next_day), "{entry}");
    assert_eq!(customer["created_at"], "2031-05-06T07:08:09.123Z");
    let deletion = client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    assert_eq!(deletion.string("/created_at"), "2031-05-06T07:08:09.123Z");
}

/// Collects every text that is a time.
fn collect_times(path: &str, value: &Value, times: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T' => {
            times.push((path.to_owned(), text.clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_times(path, item, times)),
        Value::Object(members) => members.values().for_each(|member| collect_times(path, member, times)),
        _ => {}
    }
}

#[tokio::test]
async fn an_advance_records_entries_and_exits_at_their_own_times_and_in_order() {
    let client = TestProject::new().client();
    freeze(&client, "2030-01-01T10:00:00Z").await;
    let birthday = json!({"junction": "and", "birthdate": {"conditions": {"$today_md": [true]}}});
    client
        .post("/v1/segments", json!({"name": "Birthday", "type": "auto-update", "filter": birthday}))
        .await
        .expect(200);
    let new = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [2]}}});
    let new =
        client.post("/v1/segments", json!({"name": "New", "type": "auto-update", "filter": new})).await.expect(200);
    client.customer(json!({"source_id": "alice", "birthdate": "1990-03-04"})).await;
    let before = activity(&client, "alice").await;
    assert_eq!(before.len(), 2, "created, and entered the segment of new customers");
    let advanced = client.post(ADVANCE, json!({"by": "P1Y2M10D"})).await.expect(200);
    assert_eq!(advanced.text, r#"{"object":"clock","now":"2031-03-11T10:00:00.000Z","mode":"frozen"}"#);
    let (entered, left) = ("customer.segment.entered".to_owned(), "customer.segment.left".to_owned());
    let expected = [
        ("2030-01-03T10:00:00.000Z".to_owned(), left.clone()),
        ("2030-03-04T00:00:00.000Z".to_owned(), entered.clone()),
        ("2030-03-05T00:00:00.000Z".to_owned(), left.clone()),
        ("2031-03-04T00:00:00.000Z".to_owned(), entered),
        ("2031-03-05T00:00:00.000Z".to_owned(), left),
    ];
    assert_eq!(activity(&client, "alice").await[2..], expected);
    let members = client.get(&format!("/v1/customers?segment_id={}", new.string("/id"))).await;
    assert_eq!(members.json()["total"], 0);
    // The same in two steps has the same result.
    client.customer(json!({"source_id": "bob", "birthdate": "1990-03-15"})).await;
    advance(&client, "P4D").await;
    advance(&client, "P1D").await;
    let times: Vec<_> = activity(&client, "bob").await.into_iter().map(|(time, _)| time).collect();
    let expected = [
        "2031-03-11T10:00:00.000Z",
        "2031-03-11T10:00:00.000Z",
        "2031-03-13T10:00:00.000Z",
        "2031-03-15T00:00:00.000Z",
        "2031-03-16T00:00:00.000Z",
    ];
    assert_eq!(times, expected);
}

#[tokio::test]
async fn setting_the_clock_settles_segments_without_a_record() {
    let client = TestProject::new().client();
    client.customer(json!({"source_id": "alice"})).await;
    let future = json!({"junction": "and", "created_at": {"conditions": {"$more_than_ago": [100]}}});
    let segment = client
        .post("/v1/segments", json!({"name": "Old", "type": "auto-update", "filter": future}))
        .await
        .expect(200)
        .string("/id");
    let total =
        async || client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200).json()["total"].clone();
    assert_eq!(total().await, 0);
    freeze(&client, "2090-01-01T00:00:00Z").await;
    assert_eq!(total().await, 1);
    freeze(&client, "2024-01-01T00:00:00Z").await;
    assert_eq!(total().await, 0);
    client.delete(PATH).await.expect(204);
    assert_eq!(total().await, 0);
    let types: Vec<_> = activity(&client, "alice").await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(types, ["customer.created"]);
    // A project that was made today works at an earlier time.
    freeze(&client, "2024-01-01T00:00:00Z").await;
    let updated = client.put("/v1/customers/alice", json!({"name": "A"})).await.expect(200);
    assert_eq!(updated.string("/updated_at"), "2024-01-01T00:00:00.000Z");
    client.post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "alice"}})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "alice", "name": "B"}])).await;
}

#[tokio::test]
async fn an_advance_retries_deliveries_at_the_times_of_the_schedule() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let receiver = Receiver::start().await;
    receiver.always(Reply::Status(500));
    client
        .post("/_emulator/webhooks", json!({"target_url": receiver.url(), "events": ["customer.created"]}))
        .await
        .expect(200);
    freeze(&client, "2030-01-01T00:00:00Z").await;
    client.customer(json!({"source_id": "alice"})).await;
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(receiver.messages().len(), 1);
    advance(&client, "PT10M").await;
    client.get("/_emulator/idle").await.expect(200);
    let after_ten_minutes = receiver.messages().len();
    assert!(after_ten_minutes > 1, "the first retry is due");
    advance(&client, "P30D").await;
    client.get("/_emulator/idle").await.expect(200);
    let deliveries = client.get("/_emulator/webhooks/deliveries").await.expect(200).json();
    let delivery = &deliveries["data"][0];
    assert_eq!(delivery["status"], "FAILED", "{delivery}");
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), receiver.messages().len());
    let times: Vec<_> = attempts.iter().map(|attempt| attempt["created_at"].as_str().unwrap()).collect();
    assert!(
        times.is_sorted() && times[0] == "2030-01-01T00:00:00.000Z" && times[1] < "2030-01-01T00:10:00",
        "{times:?}"
    );
    assert!(*times.last().unwrap() < "2030-01-30", "{times:?}");
}

#[tokio::test]
async fn tokens_and_reports_expire_by_the_clock() {
    let project = TestProject::new();
    let client = project.client();
    freeze(&client, "2030-01-01T00:00:00Z").await;
    let token = client.token("api").await;
    let job = client.post("/v1/customers/bulk/async", json!([{"source_id": "bob"}])).await.expect(202);
    let action = client.action(&job.string("/async_action_id")).await;
    let report = action["result"]["report_url"].as_str().map(str::to_owned);
    project.bearer(&token).get("/v1/customers").await.expect(200);
    advance(&client, "P8D").await;
    project.bearer(&token).get("/v1/customers").await.expect(401);
    if let Some(report) = report {
        client.download(&report).await.expect(404);
    }
}

#[tokio::test]
async fn another_emulator_follows_the_clock() {
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    other.client().customer(json!({"source_id": "warm"})).await;
    freeze(&emulator.client(), "2030-01-01T00:00:00Z").await;
    let written = other.client().put("/v1/customers/warm", json!({"name": "A"})).await.expect(200);
    assert_eq!(written.string("/updated_at"), "2030-01-01T00:00:00.000Z", "a transaction reads the clock");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let created = other.client().post("/v1/customers", json!({"source_id": "new"})).await.expect(200);
    assert_eq!(created.string("/created_at"), "2030-01-01T00:00:00.000Z");
}
