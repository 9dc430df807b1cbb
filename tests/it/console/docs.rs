//! The API reference: its headers, its files, its keys, and the option that turns it off.

use axum::body::Body;
use axum::http::{Method, Request};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{Config, DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN};

use super::Browser;
use super::browser::{HOME, form_token};
use crate::support::{Answer, TestEmulator, TestProject};

const DOCS: &str = "/_emulator/docs";
const SETTINGS: &str = "/_emulator/console/docs/settings";

async fn send(project: &TestProject, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8682");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    project.send(request.body(Body::empty()).unwrap()).await
}

/// The values of an attribute in a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn the_page_and_its_files_are_served_for_browsers() {
    let project = TestProject::new();
    let page = send(&project, Method::GET, DOCS, &[]).await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert!(!page.headers.contains_key("set-cookie"));
    let known = [("if-none-match", page.header("etag"))];
    assert_eq!(send(&project, Method::GET, DOCS, &known).await.expect(304).text, "");

    for tag in page.text.split('<').skip(1).filter(|tag| tag.starts_with("script") || tag.starts_with("style")) {
        assert!(tag.contains(" src=\""), "an inline script or style: <{tag}");
    }
    let files: Vec<_> = [values(&page.text, "href"), values(&page.text, "src")].concat();
    let files: Vec<_> = files.into_iter().filter(|path| path.starts_with("/_emulator/docs/assets/")).collect();
    assert_eq!(files.len(), 5);
    for path in files {
        // The content of the viewer is compressed, which only browsers read.
        let answer = send(&project, Method::HEAD, path, &[]).await.expect(200);
        let (_, extension) = path.rsplit_once('.').unwrap();
        let media = match extension {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), media, "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.headers.contains_key("content-encoding"), path.contains("viewer"), "{path}");
        let known = [("if-none-match", answer.header("etag"))];
        send(&project, Method::GET, path, &known).await.expect(304);
    }
    let licence = values(&page.text, "href").into_iter().find(|path| path.contains("licence")).unwrap();
    assert!(send(&project, Method::GET, licence, &[]).await.text.contains("Apache License"));
    for target in [values(&page.text, "href"), values(&page.text, "src")].concat() {
        let is_own = target.starts_with("/_emulator/") || target == "data:," || target.starts_with('#');
        assert!(is_own, "a link to another place: {target}");
    }
    let browser = Browser::new(&project);
    assert!(browser.page(HOME).await.contains(&format!("href=\"{DOCS}\"")), "the console links the page");
}

#[tokio::test]
async fn the_page_has_the_keys_of_the_default_project() {
    let project = TestProject::new();
    let browser = Browser::new(&project);
    let settings = browser.get(SETTINGS).await.expect(200).json();
    let emulator = TestEmulator::new().await;
    let (id, token) = emulator.server_keys();
    assert_eq!((settings["keys"]["AppId"].as_str(), settings["keys"]["AppToken"].as_str()), (Some(id), Some(token)));
    assert_eq!(settings["keys"]["ManagementId"], DEFAULT_MANAGEMENT_ID);
    assert_eq!(settings["theme"], "system");
    // A page of another site cannot read the answer, and gets no keys.
    browser.clear_cookies();
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")];
    let answer = browser.send(Method::GET, SETTINGS, String::new(), &foreign).await.expect(200);
    assert!(!answer.text.contains(token) && !answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn management_keys_of_the_user_are_not_shown() {
    let change = |config: &mut Config| config.management_keys.token = "a secret of the user".to_owned();
    let emulator = TestEmulator::with(Clock::System, change).await;
    let settings = Browser::new(&emulator).get(SETTINGS).await.expect(200);
    assert!(settings.json()["keys"]["ManagementId"].is_null() && !settings.text.contains("a secret of the user"));
}

#[tokio::test]
async fn keys_need_the_sign_in_of_the_console() {
    let emulator = TestEmulator::with(Clock::System, |config: &mut Config| config.strict_auth = true).await;
    let browser = Browser::new(&emulator);
    send(&emulator, Method::GET, DOCS, &[]).await.expect(200);
    let answer = browser.get(SETTINGS).await.expect(303);
    let sign_in = answer.header("location").to_owned();
    assert!(sign_in.starts_with("/_emulator/console/sign-in"), "{sign_in}");
    let token = form_token(&browser.page(&sign_in).await);
    let fields = [("id", DEFAULT_MANAGEMENT_ID), ("token", DEFAULT_MANAGEMENT_TOKEN), ("return", HOME)];
    browser.submit_with(&format!("{HOME}/sign-in"), &fields, &token, &[]).await.expect(303);
    assert_eq!(browser.get(SETTINGS).await.expect(200).json()["keys"]["AppId"], emulator.server_keys().0);
}

#[tokio::test]
async fn the_reference_is_turned_off_with_the_console() {
    let emulator = TestEmulator::with(Clock::System, |config: &mut Config| config.console = false).await;
    for path in [DOCS, SETTINGS] {
        let answer = send(&emulator, Method::GET, path, &[("accept", "text/html,*/*;q=0.8")]).await;
        assert_eq!(answer.expect(404).header("content-type"), "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn another_host_gets_no_page() {
    let project = TestProject::new();
    let request = Request::get(DOCS).header("host", "rebind.evil.example").body(Body::empty()).unwrap();
    project.send(request).await.expect(421);
}
