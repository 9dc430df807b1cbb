//! The URLs in answers, and the sessions of the console, have the scheme of the request.

use reqwest::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use voucherify_emulator::http::ConnectionLimits;

use super::load_tls;
use crate::connections::Served;
use crate::console::browser::{Browser, form_token};
use crate::support::TestProject;
use crate::v1::exports::run_export;

const CONSOLE: &str = "/_emulator/console";

/// Serves a project on a port, and returns the server, its port, and a client that trusts its authority.
async fn serve(project: &TestProject) -> (Served, u16, Client) {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let tls = load_tls(&[]);
    let served = Served::with(project.router(), ConnectionLimits::default(), Some(&tls)).await;
    let authority = reqwest::Certificate::from_pem(tls.authority.as_ref().unwrap().pem().as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([authority]).redirect(redirect::Policy::none()).build().unwrap();
    let port = served.address.port();
    (served, port, client)
}

#[tokio::test]
async fn a_url_in_an_answer_has_the_scheme_of_the_request() {
    let project = TestProject::new();
    let export = run_export(&project.client(), "customer", json!({})).await;
    let action = project.client().done("/v1/customers/bulk/async", json!([{"source_id": "one"}])).await;
    let (export, action) = (export["id"].as_str().unwrap(), action["id"].as_str().unwrap());
    let (_served, port, client) = serve(&project).await;
    let (id, token) = project.server_keys();
    for origin in [format!("https://localhost:{port}"), format!("http://localhost:{port}")] {
        let read = async |path: &str| -> Value {
            let request = client.get(format!("{origin}{path}")).header("x-app-id", id).header("x-app-token", token);
            serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
        };
        for (path, pointer, start) in [
            (format!("/v1/exports/{export}"), "/result/url", "/v1/exports/"),
            ("/v1/exports".to_owned(), "/exports/0/result/url", "/v1/exports/"),
            (format!("/v1/async-actions/{action}"), "/result/reports/0", "/_emulator/reports/"),
        ] {
            let answer = read(&path).await;
            let url = answer.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}"));
            assert!(url.starts_with(&format!("{origin}{start}")), "{url}");
            assert_eq!(client.get(url).send().await.unwrap().status(), 200, "{url}");
        }
        let scheme = origin.split(':').next().unwrap();
        let customer = read("/v1/customers/one").await;
        let url = customer["assets"]["cockpit_url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{scheme}://127.0.0.1:8682/_emulator/cockpit/")), "{url}");
    }
}

#[tokio::test]
async fn the_console_has_a_session_of_its_own_over_https() {
    let project = TestProject::new();
    let (_served, port, client) = serve(&project).await;
    let (https, http) = (format!("https://localhost:{port}"), format!("http://localhost:{port}"));
    for (own, other, is_secure) in [(&https, &http, true), (&http, &https, false)] {
        let page = client.get(format!("{own}{CONSOLE}")).send().await.unwrap();
        assert!(page.headers().get("strict-transport-security").is_none());
        let cookie = page.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        assert_eq!((cookie.starts_with("__Secure-"), cookie.ends_with("; Secure")), (is_secure, is_secure), "{cookie}");
        let pair = cookie.split(';').next().unwrap().to_owned();
        let token = form_token(&page.text().await.unwrap());
        let send = |sent_to: &str, origin: &str| {
            client
                .post(format!("{sent_to}{CONSOLE}/theme"))
                .header(COOKIE, &pair)
                .header(ORIGIN, origin)
                .header(HOST, format!("localhost:{port}"))
                .header("sec-fetch-site", "same-origin")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(format!("theme=dark&form_token={token}"))
                .send()
        };
        assert_eq!(send(own, own).await.unwrap().status(), 303);
        assert_eq!(send(own, other).await.unwrap().status(), 403, "a page of the other scheme");
        assert_eq!(send(other, other).await.unwrap().status(), 403, "the session of the other scheme");
    }
}

#[tokio::test]
async fn a_command_line_in_the_console_has_the_scheme_of_the_page() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let (_served, port, client) = serve(&project).await;
    for origin in [format!("https://localhost:{port}"), format!("http://localhost:{port}")] {
        let page = client.get(format!("{origin}{path}/orders")).send().await.unwrap().text().await.unwrap();
        assert!(page.contains(&format!("curl {origin}/v1/orders")), "{page}");
    }
}
