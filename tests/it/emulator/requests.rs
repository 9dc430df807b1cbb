use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use voucherify_emulator::clock::Clock;

use crate::support::{Answer, Client, TestEmulator, TestProject};

const LOG: &str = "/_emulator/requests";

/// Returns the logged requests, newest first.
async fn log(client: &Client, query: &str) -> Vec<Value> {
    let list = client.get(&format!("{LOG}?{query}")).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

async fn count(client: &Client, query: &str) -> i64 {
    client.get(&format!("{LOG}/count?{query}")).await.expect(200).json()["count"].as_i64().unwrap()
}

#[tokio::test]
async fn a_request_is_kept_with_what_was_sent_and_answered() {
    let emulator = TestEmulator::at("2026-03-01T10:00:00Z").await;
    let client = emulator.client();
    let body = r#"{"source_id": "ann", "name":"Ann"}"#;
    let created = client.call(Method::POST, "/v1/customers?a=1&b=%20", Some(body.to_owned())).await.expect(200);
    let list = client.get(LOG).await.expect(200);
    let entry = &list.json()["data"][0];
    assert_eq!(
        list.text,
        format!(
            concat!(
                r#"{{"object":"list","data_ref":"data","data":[{{"id":{},"request_id":{},"at":"2026-03-01T10:00:00.000Z","#,
                r#""duration_ms":{},"method":"POST","path":"/v1/customers","query":"a=1&b=%20","operation":"create-customer","#,
                r#""status":200,"request_body":{},"response_body":{},"unread":["?a","?b"],"near":[],"fault":null}}],"total":1}}"#
            ),
            entry["id"],
            entry["request_id"],
            entry["duration_ms"],
            json!(body),
            json!(created.text)
        )
    );
    assert!(entry["duration_ms"].as_f64().unwrap() > 0.0);
    let one = client.get(&format!("{LOG}/{}", entry["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(one.json(), *entry);
    let error = client.get("/v1/customers/unknown").await.expect(404);
    let logged = &log(&client, "limit=1").await[0];
    assert_eq!(logged["request_id"], error.json()["request_id"]);
    assert_eq!(
        (&logged["status"], &logged["operation"], &logged["near"]),
        (&json!(404), &json!("get-customer"), &json!([]))
    );
}

#[tokio::test]
async fn the_newest_requests_come_first_and_can_be_filtered() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a@b.example"})).await;
    client.get("/v1/customers/a%40b.example").await.expect(200);
    client.get(&format!("/v1/customers/{id}/segments")).await.expect(200);
    client.put("/v1/customers/a@b.example", json!({"name": "A"})).await.expect(200);
    client.get("/v1/customers?limit=x").await.expect(400);
    let all = log(&client, "").await;
    let seen: Vec<_> = all.iter().map(|one| one["operation"].as_str().unwrap()).collect();
    assert_eq!(
        seen,
        ["list-customers", "update-customer", "list-customer-segments", "get-customer", "create-customer"]
    );
    for (query, expected) in [
        ("method=get", 3),
        ("method=DELETE", 0),
        ("path=/v1/customers", 2),
        ("path=/v1/customers/*", 2),
        ("path=/v1/customers/a@b.example", 2),
        ("path=/v1/customers/*/segments", 1),
        ("path=/v1/**", 5),
        ("operation=get-customer", 1),
        ("operation=unknown", 0),
        ("status=200", 4),
        ("status=4xx", 1),
        ("status=400&method=GET", 1),
        ("status=400&method=POST", 0),
    ] {
        assert_eq!(count(&client, query).await, expected, "{query}");
        assert_eq!(log(&client, query).await.len(), usize::try_from(expected).unwrap(), "{query}");
    }
    let limited = client.get(&format!("{LOG}?limit=2&method=GET")).await.expect(200).json();
    assert_eq!((limited["data"].as_array().unwrap().len(), &limited["total"]), (2, &json!(3)));
    let after = format!("after={}", all[2]["id"].as_str().unwrap());
    assert_eq!(log(&client, &after).await, all[..2]);
    assert_eq!(count(&client, &format!("{after}&method=PUT")).await, 1);
}

#[tokio::test]
async fn invalid_filters_and_unknown_requests_are_refused() {
    let project = TestProject::new();
    let client = project.client();
    for (query, details) in [
        ("limit=0", "Property .limit cannot be lower than 1"),
        ("limit=1001", "Property .limit cannot be higher than 1000"),
        ("status=abc", "Property .status must be a status such as 404 or 4xx"),
        ("path=v1", "Property .path must begin with /"),
    ] {
        assert_eq!(client.get(&format!("{LOG}?{query}")).await.expect(400).string("/details"), details);
    }
    client.get(&format!("{LOG}/count?status=1")).await.expect(400);
    for path in
        [format!("{LOG}/req_unknown"), format!("{LOG}?after=req_unknown"), format!("{LOG}/count?after=req_unknown")]
    {
        let answer = client.get(&path).await.expect(404);
        assert_eq!(
            (answer.string("/key"), answer.string("/details"), answer.string("/resource_type")),
            ("not_found".into(), "Cannot find request with id req_unknown".into(), "request".into())
        );
    }
    project.page().get(LOG).await.expect(401);
    project.manager().get(LOG).await.expect(401);
    project.manager().delete(LOG).await.expect(401);
    project.manager().get(&format!("{LOG}/count")).await.expect(401);
    project.manager().get(&format!("{LOG}/stream")).await.expect(401);
    project.manager().get(&format!("{LOG}/req_1")).await.expect(401);
}

#[tokio::test]
async fn each_project_has_a_log_of_its_own() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    client.get("/v1/customers").await.expect(200);
    other.get("/v1/orders").await.expect(200);
    assert_eq!((log(&client, "").await.len(), log(&other, "").await.len()), (1, 1));
    let id = log(&client, "").await[0]["id"].as_str().unwrap().to_owned();
    other.get(&format!("{LOG}/{id}")).await.expect(404);
    other.get(&format!("{LOG}?after={id}")).await.expect(404);
    other.delete(LOG).await.expect(204);
    assert_eq!((log(&client, "").await.len(), log(&other, "").await.len()), (1, 0));
    client.delete(LOG).await.expect(204);
    assert_eq!(count(&client, "").await, 0);
}

#[tokio::test]
async fn requests_of_pages_and_with_tokens_are_kept_without_their_secrets() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    emulator.page().post("/client/v1/customers", json!({"source_id": "p"})).await.expect(200);
    let token = client.token("api").await;
    emulator.bearer(&token).get("/v1/customers").await.expect(200);
    client.form("/v1/oauth/introspect", &format!("access_token={token}")).await.expect(200);
    let id = client.done_export().await;
    let url = client.get(&format!("/v1/exports/{id}")).await.expect(200).string("/result/url");
    let download_token = url.split_once("token=").unwrap().1.to_owned();
    client.get(&format!("/v1/exports/{id}?token={download_token}")).await.expect(200);
    let (app_id, app_token) = emulator.server_keys();
    let fields =
        format!("user_id={app_id}&user_password={app_token}&account_id=Sandbox%20Project&type=customer_info&code=p");
    client.form("/stickystreet", &fields).await.expect(200);
    client.get(&format!("/stickystreet?{fields}")).await.expect(200);
    client.form("/v1/oauth/token/revoke", &format!("access_token={token}")).await.expect(204);
    let kept = client.get(&format!("{LOG}?limit=1000")).await.expect(200);
    for secret in [&token, &download_token, app_token] {
        assert!(!kept.text.contains(secret), "{}", kept.text);
    }
    let bodies =
        |path: &str| kept.json()["data"].as_array().unwrap().iter().find(|one| one["path"] == path).unwrap().clone();
    assert_eq!(bodies("/client/v1/customers")["operation"], "create-customer-client-side");
    assert_eq!(bodies("/v1/oauth/introspect")["request_body"], "access_token=***");
    assert!(
        bodies("/v1/oauth/token")["response_body"]
            .as_str()
            .unwrap()
            .starts_with(r#"{"access_token":"***","client_id":"#)
    );
    assert_eq!(bodies(&format!("/v1/exports/{id}"))["query"], "token=***");
    let stickystreet = &log(&client, "path=/stickystreet&method=GET").await[0];
    assert!(stickystreet["query"].as_str().unwrap().contains("user_password=***&account_id="), "{stickystreet}");
    assert!(stickystreet["response_body"].as_str().unwrap().contains("<code>p</code>"), "{stickystreet}");
    assert_eq!(count(&client, "path=/stickystreet").await, 2);
}

#[tokio::test]
async fn requests_without_a_route_are_kept_with_the_nearest_operations() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    for (method, path, status, nearest) in [
        (Method::POST, "/v1/customer", 404, "POST /v1/customers"),
        (Method::GET, "/customers", 404, "GET /v1/customers"),
        (Method::PATCH, "/v1/customers/a", 405, "GET /v1/customers/{customerId}"),
    ] {
        client.call(method.clone(), path, Some(r#"{"name":"A"}"#.to_owned())).await.expect(status);
        let logged = &log(&client, "limit=1").await[0];
        assert_eq!(
            (logged["path"].as_str(), logged["status"].as_u64(), &logged["operation"], &logged["request_body"]),
            (Some(path), Some(u64::from(status)), &Value::Null, &json!(r#"{"name":"A"}"#))
        );
        assert_eq!(logged["near"][0], nearest, "{method} {path}: {logged}");
    }
    client.call(Method::OPTIONS, "/v1/customers", None).await.expect(405);
    client.get("/favicon.ico").await.expect(404);
    assert_eq!(log(&client, "limit=1").await[0]["near"], json!([]));
    assert_eq!(count(&client, "status=404").await, 3);
}

#[tokio::test]
async fn an_unknown_path_creates_no_project() {
    let emulator = TestEmulator::new().await;
    let projects = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap()
    };
    let before = projects().await;
    let fresh = emulator.other_project();
    fresh.get("/v1/unknown").await.expect(404);
    fresh.call(Method::PATCH, "/v1/customers", None).await.expect(405);
    let encoded = [("content-encoding", "gzip")];
    fresh.call_with(Method::POST, "/v1/customers", Body::from("x"), &encoded).await.expect(415);
    fresh.call_with(Method::GET, "/v1/customers", Body::empty(), &[("accept", "text/csv")]).await.expect(406);
    assert_eq!(projects().await, before);
    assert_eq!(count(&fresh, "").await, 0);
    fresh.get("/v1/unknown").await.expect(404);
    fresh.call_with(Method::POST, "/v1/customers", Body::from("x"), &encoded).await.expect(415);
    let kept = log(&fresh, "").await;
    assert_eq!((&kept[0]["status"], &kept[0]["operation"]), (&json!(415), &json!("create-customer")));
    assert_eq!((kept.len(), &kept[1]["status"]), (2, &json!(404)));
}

#[tokio::test]
async fn refused_requests_are_kept_when_their_project_is_known() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let bearer = emulator.bearer(&client.token("orders").await);
    bearer.get("/v1/customers").await.expect(403);
    client.put("/_emulator/project", json!({"client_trusted_domains": ["other.example"]})).await.expect(200);
    emulator.page().post("/client/v1/customers", json!({})).await.expect(401);
    emulator.client_with(emulator.server_keys().0, "wrong").get("/v1/customers").await.expect(401);
    let statuses: Vec<_> = log(&client, "limit=2").await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [401, 403]);
}

#[tokio::test]
async fn long_bodies_are_cut_and_the_number_of_requests_is_limited() {
    let emulator = TestEmulator::with(Clock::System, |config| config.request_log = 3).await;
    let client = emulator.client();
    let metadata = json!({"metadata": {"text": "é".repeat(9_000)}}).to_string();
    client.call(Method::POST, "/v1/customers", Some(metadata.clone())).await.expect(200);
    let logged = &log(&client, "").await[0];
    let body = logged["request_body"].as_str().unwrap();
    let kept = body.strip_suffix(&format!("...[cut, the body has {} bytes]", metadata.len())).unwrap();
    assert!(metadata.starts_with(kept) && (16_380..=16_384).contains(&kept.len()), "{}", kept.len());
    assert!(logged["response_body"].as_str().unwrap().contains("...[cut, the body has "));
    client.call_with(Method::POST, "/v1/customers", Body::from(vec![0xff, b'a']), &[]).await.expect(400);
    assert_eq!(log(&client, "limit=1").await[0]["request_body"], "\u{fffd}a");
    for _ in 0..3 {
        client.get("/v1/orders").await.expect(200);
    }
    assert_eq!((count(&client, "").await, count(&client, "path=/v1/orders").await), (3, 3));
}

#[tokio::test]
async fn without_a_log_the_calls_answer_that_it_is_empty() {
    let emulator = TestEmulator::with(Clock::System, |config| config.request_log = 0).await;
    let client = emulator.client();
    client.get("/v1/customers").await.expect(200);
    client.get("/v1/unknown").await.expect(404);
    assert_eq!((log(&client, "").await.len(), count(&client, "").await), (0, 0));
    client.delete(LOG).await.expect(204);
    client.get(&format!("{LOG}/req_1")).await.expect(404);
}

#[tokio::test]
async fn only_requests_to_the_vendors_paths_are_kept() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/_emulator/project").await.expect(200);
    client.get("/_emulator/unknown").await.expect(404);
    emulator.manager().get("/management/v1/projects").await.expect(200);
    client.call(Method::HEAD, "/v1/customers", None).await.expect(200);
    let kept = log(&client, "").await;
    assert_eq!((kept.len(), &kept[0]["method"], &kept[0]["response_body"]), (1, &json!("HEAD"), &json!("")));
}

#[tokio::test]
async fn a_permanent_deletion_removes_every_request_that_holds_the_customer() {
    let emulator = TestEmulator::new().await;
    let (client, other) = (emulator.client(), emulator.other_project());
    let person = json!({"source_id": "al ice/1", "email": "Alice+x@morgan.com", "phone": "+48 123 456"});
    let id = client.customer(person.clone()).await;
    other.customer(person).await;
    client.get("/v1/customers").await.expect(200);
    client.get("/v1/customers/al%20ice%2F1").await.expect(200);
    client.get(&format!("/v1/customers/{id}")).await.expect(200);
    client.get("/v1/customers?email=alice%2Bx%40morgan.com").await.expect(200);
    client
        .call(Method::POST, "/v1/customers", Some(r#"{"source_id":"b","phone":"\u002b48 123 456"}"#.to_owned()))
        .await
        .expect(200);
    client.form("/v1/unknown", "x=al+ice%2F1").await.expect(404);
    client.get("/v1/orders").await.expect(200);
    let mark = log(&client, "path=/v1/customers&limit=1").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(log(&client, "").await.len(), 8);
    client.post("/v1/customers/al%20ice%2F1/permanent-deletion", json!({})).await.expect(200);
    let kept = log(&client, "").await;
    assert_eq!(kept.iter().map(|one| one["path"].as_str().unwrap()).collect::<Vec<_>>(), ["/v1/orders"]);
    assert_eq!(log(&other, "").await.len(), 1);
    assert_eq!(log(&client, &format!("after={mark}")).await, kept, "a removed request still marks its place");
    client.get(&format!("{LOG}/{mark}")).await.expect(404);
    let page = emulator.page();
    page.double_opt_in(json!({"email": "una@shop.example", "name": "Una"})).await.expect(200);
    client.post("/v1/customers/una%40shop.example/permanent-deletion", json!({})).await.expect(200);
    assert_eq!(log(&client, "").await, kept);
}

#[tokio::test]
async fn a_stream_sends_each_request_as_it_ends() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/v1/customers").await.expect(200);
    let (app_id, token) = emulator.server_keys();
    let request = Request::get("/_emulator/requests/stream").header("x-app-id", app_id).header("x-app-token", token);
    let response = emulator.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let mut response = response;
    assert_eq!(next(&mut response).await, ": open\n\n");
    emulator.other_project().get("/v1/orders").await.expect(200);
    client.get("/v1/orders").await.expect(200);
    client.get("/v1/nothing").await.expect(404);
    for path in ["/v1/orders", "/v1/nothing"] {
        let event = next(&mut response).await;
        let sent: Value =
            serde_json::from_str(event.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap()).unwrap();
        assert_eq!(sent["path"], path);
        assert_eq!(client.get(&format!("{LOG}/{}", sent["id"].as_str().unwrap())).await.expect(200).json(), sent);
    }
    client.get("/v1/orders").await.expect(200);
    client.delete(LOG).await.expect(204);
    assert_eq!(next(&mut response).await, ": 1 requests were removed from the log before they were sent\n\n");
}

async fn next(response: &mut Response<Body>) -> String {
    let frame = tokio::time::timeout(Duration::from_secs(5), response.body_mut().frame()).await.expect("an event");
    String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
}

impl Client {
    /// Creates an export, and returns its id when it is finished.
    async fn done_export(&self) -> String {
        let export: Answer = self.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200);
        self.get("/_emulator/idle").await.expect(200);
        export.string("/id")
    }
}
