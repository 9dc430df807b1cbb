//! What is the same for all paths and protects the user of a browser: the hosts that requests may name, headers of every answer,
//! and bodies that cannot be read.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::domain::local_host::HostPattern;

use crate::support::{Answer, TestEmulator, TestProject};

async fn naming(project: &TestProject, path: &str, host: &str) -> Answer {
    let (id, token) = project.other_keys();
    let (manager, secret) = project.other_management_keys();
    let headers = [
        ("host", host),
        ("x-app-id", id),
        ("x-app-token", token),
        ("x-client-application-id", id),
        ("x-client-token", token),
        ("x-management-id", manager),
        ("x-management-token", secret),
        ("origin", "http://localhost"),
    ];
    project.caller(&headers).get(path).await
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_before_anything_happens() {
    let emulator = TestEmulator::new().await;
    for path in
        ["/v1/customers", "/client/v1/consents", "/management/v1/projects", "/_emulator/health", "/stickystreet/"]
    {
        for host in ["rebind.evil.example", "rebind.evil.example:8682", "localhost.evil.example", "a b", "u@localhost"]
        {
            let answer = naming(&emulator, path, host).await.expect(421);
            assert_eq!(
                answer.shape(),
                r#"{"code":421,"key":"misdirected_request","message":"Misdirected Request","details":"The emulator does not serve the host that the request names. If it should, add the host to --allowed-hosts (VOUCHERIFY_EMULATOR_ALLOWED_HOSTS)","request_id":"<v->"}"#,
                "{path} {host}"
            );
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path} {host}");
        }
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    let organisations: i64 =
        sqlx::query_scalar("SELECT count(*) FROM organisations").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!((projects, organisations), (1, 1));
}

#[tokio::test]
async fn a_host_in_the_request_line_and_a_second_host_are_checked_too() {
    let project = TestProject::new();
    let absolute = Request::get("http://evil.example/_emulator/health").header("host", "localhost");
    project.send(absolute.body(Body::empty()).unwrap()).await.expect(421);
    let absolute = Request::get("http://localhost:1/_emulator/health").header("host", "localhost:1");
    project.send(absolute.body(Body::empty()).unwrap()).await.expect(200);
    let twice = Request::get("/_emulator/health").header("host", "localhost").header("host", "evil.example");
    project.send(twice.body(Body::empty()).unwrap()).await.expect(421);
}

#[tokio::test]
async fn addresses_and_local_names_are_served_with_any_port_and_requests_without_a_host_too() {
    let project = TestProject::new();
    for host in [
        "127.0.0.1:8682",
        "192.168.1.5",
        "[::1]:1",
        "LocalHost:8682",
        "a.localhost",
        "emulator:8682",
        "host.docker.internal",
        "mac.local:80",
        "api.test",
        "",
    ] {
        naming(&project, "/_emulator/health", host).await.expect(200);
    }
    project.caller(&[]).get("/_emulator/health").await.expect(200);
}

#[tokio::test]
async fn the_option_names_more_hosts() {
    let patterns = ["shop.example", ".team.example"].map(|text| HostPattern::parse(text).unwrap());
    let emulator = TestEmulator::with(Clock::System, |config| config.allowed_hosts = patterns.to_vec()).await;
    for (host, status) in [
        ("shop.example:8682", 200),
        ("a.team.example", 200),
        ("team.example", 200),
        ("localhost", 200),
        ("a.shop.example", 421),
        ("evil.example", 421),
    ] {
        naming(&emulator, "/_emulator/health", host).await.expect(status);
    }
    // Beyond loopback, the option restricts the hosts; without it, every host is served.
    let open = emulator.start_another(|config| config.listen = "0.0.0.0:8682".parse().unwrap()).await;
    naming(&open, "/_emulator/health", "evil.example").await.expect(421);
    let open = open.start_another(|config| config.allowed_hosts.clear()).await;
    naming(&open, "/_emulator/health", "evil.example").await.expect(200);
}

#[tokio::test]
async fn every_answer_forbids_browsers_to_guess_its_media_type() {
    let project = TestProject::new();
    let (client, page) = (project.client(), project.page());
    let export = client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200).string("/id");
    client.get("/_emulator/idle").await.expect(200);
    let url = client.get(&format!("/v1/exports/{export}")).await.expect(200).string("/result/url");
    let preflight = [("access-control-request-method", "POST")];
    for answer in [
        client.download(&url).await.expect(200),
        client.get("/v1/customers").await.expect(200),
        client.get("/v1/vouchers").await.expect(404),
        client.delete("/v1/customers").await.expect(405),
        client.call_with(Method::GET, "/v1/customers", Body::empty(), &[("accept", "text/csv")]).await.expect(406),
        page.call_with(Method::OPTIONS, "/client/v1/customers", Body::empty(), &preflight).await.expect(200),
        page.get("/client/v1/vouchers").await.expect(404),
        project.caller(&[]).get("/v1/customers").await.expect(401),
        project.caller(&[]).get("/_emulator/openapi.json").await.expect(200),
        project.caller(&[]).get("/stickystreet").await.expect(200),
        project.caller(&[("host", "evil.example")]).get("/").await.expect(421),
    ] {
        assert_eq!(answer.headers.get_all("x-content-type-options").iter().count(), 1);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_request_with_an_encoded_body_returns_415() {
    let emulator = TestEmulator::new().await;
    let client = emulator.other_project();
    let form = ("content-type", "application/x-www-form-urlencoded");
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        for (method, path) in [
            (Method::GET, "/v1/customers"),
            (Method::POST, "/v1/customers"),
            (Method::POST, "/v1/customers/importCSV"),
            (Method::POST, "/v1/oauth/token"),
            (Method::POST, "/client/v1/customers"),
            (Method::POST, "/management/v1/projects"),
            (Method::POST, "/stickystreet"),
            (Method::GET, "/stickystreet"),
        ] {
            let answer = client.call_with(method, path, Body::from("{}"), &[form, ("content-encoding", coding)]).await;
            assert_eq!(
                answer.expect(415).text,
                r#"{"statusCode":415,"error":"Unsupported Media Type","message":"Unsupported Media Type: Content-Encoding must be identity, or not sent"}"#,
                "{path} {coding}"
            );
        }
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
    for coding in ["identity", "Identity", ""] {
        let headers = [("content-encoding", coding)];
        client.call_with(Method::POST, "/v1/customers", Body::from("{}"), &headers).await.expect(200);
    }
}
