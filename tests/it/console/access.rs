//! Who may use the console: sessions, tokens of forms, other origins, the sign-in, and the option that turns it off.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{Method, Request};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{Config, DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN};

use super::Browser;
use super::browser::{HOME, form_token};
use super::pages::fill;
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_form_without_its_session_or_token_or_from_elsewhere_changes_nothing() {
    let project = TestProject::new();
    let client = project.client();
    let id = fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let erase = format!("{path}/customers/{id}/erase");
    let token = browser.form_token().await;
    let own = ("origin", "http://127.0.0.1:8682");
    for (sent, headers) in [
        ("", vec![own]),
        ("wrong", vec![own]),
        (&token[1..], vec![own]),
        (&token, vec![("origin", "http://evil.example")]),
        (&token, vec![("origin", "null")]),
        (&token, vec![("origin", "http://localhost:3000")]),
        (&token, vec![own, ("origin", "http://evil.example")]),
        (&token, vec![own, ("sec-fetch-site", "cross-site")]),
        (&token, vec![own, ("sec-fetch-site", "same-site")]),
        (&token, vec![own, ("sec-fetch-site", "none")]),
    ] {
        for page in [
            &erase,
            &format!("{path}/customers/{id}/delete"),
            &format!("{path}/customers/{id}/edit"),
            &format!("{path}/customers/{id}/consents"),
            &format!("{path}/segments/new"),
            &format!("{path}/keys"),
            &format!("{path}/keys/{}/revoke", project.server_keys().0.replace(' ', "%20")),
            &format!("{path}/new-consent"),
            &format!("{path}/new-consent-group"),
            &format!("{path}/consents/newsletter/edit"),
            &format!("{path}/consents/newsletter/delete"),
            &format!("{path}/metadata-schemas/new"),
            &format!("{path}/metadata-schemas/customer/key"),
            &format!("{path}/metadata-schemas/customer/key/remove"),
            &format!("{path}/metadata-schemas/customer/settings"),
            &format!("{path}/metadata-schemas/customer/delete"),
            &format!("{HOME}/theme"),
        ] {
            browser.submit_with(page, &[("name", "Eve"), ("theme", "dark")], sent, &headers).await.expect(403);
        }
    }
    // A token of another session, and no session.
    let other = Browser::new(&project);
    let foreign = other.form_token().await;
    browser.submit_with(&erase, &[], &foreign, &[own]).await.expect(403);
    browser.clear_cookies();
    browser.submit_with(&erase, &[], &token, &[own]).await.expect(403);
    let unchanged = client.get(&format!("/v1/customers/{id}")).await.expect(200);
    assert_eq!(unchanged.string("/name"), "Alice Morgan");
    // The same form from the page itself is accepted.
    let token = other.form_token().await;
    other.submit_with(&erase, &[], &token, &[own, ("sec-fetch-site", "same-origin")]).await.expect(303);
    client.get(&format!("/v1/customers/{id}")).await.expect(404);
}

#[tokio::test]
async fn other_forms_are_refused() {
    let project = TestProject::new();
    let browser = Browser::new(&project);
    let token = browser.form_token().await;
    let theme = format!("{HOME}/theme");
    let body = format!("theme=dark&form_token={token}");
    for media in ["text/plain", "multipart/form-data; boundary=x", "application/json"] {
        browser.send(Method::POST, &theme, body.clone(), &[("content-type", media)]).await.expect(415);
    }
    let large = format!("{body}&x={}", "x".repeat(1_100_000));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    browser.send(Method::POST, &theme, large, &form).await.expect(413);
}

#[tokio::test]
async fn the_cookie_is_for_this_site_only() {
    let project = TestProject::new();
    let browser = Browser::new(&project);
    let answer = browser.get(HOME).await.expect(200);
    let cookie = answer.header("set-cookie");
    assert!(cookie.ends_with("; Path=/_emulator/console; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!browser.get(HOME).await.headers.contains_key("set-cookie"), "the session stays");
    // A link on a page of another site: the browser leaves out the cookie, and must not get another one.
    browser.clear_cookies();
    let answer = browser.send(Method::GET, HOME, String::new(), &[("sec-fetch-site", "cross-site")]).await.expect(200);
    assert!(!answer.headers.contains_key("set-cookie") && answer.text.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn another_host_is_refused() {
    let project = TestProject::new();
    let request = Request::get(HOME).header("host", "rebind.evil.example").body(Body::empty()).unwrap();
    let answer = project.send(request).await.expect(421);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn the_colours_are_kept_in_a_cookie() {
    let project = TestProject::new();
    let browser = Browser::new(&project);
    let answer = browser.submit(&format!("{HOME}/theme"), &[("theme", "dark"), ("return", HOME)]).await.expect(303);
    assert_eq!(answer.header("location"), HOME);
    let page = browser.page(HOME).await;
    assert!(page.contains("data-theme=\"dark\""));
    let button = |name: &str| {
        page.split(&format!("value=\"{name}\" aria-pressed=\"")).nth(1).unwrap().split('"').next().unwrap()
    };
    assert_eq!(["system", "light", "dark"].map(button), ["false", "false", "true"]);
    let elsewhere = [("theme", "light"), ("return", "//evil.example")];
    let answer = browser.submit(&format!("{HOME}/theme"), &elsewhere).await.expect(303);
    assert_eq!(answer.header("location"), HOME);
}

#[tokio::test]
async fn the_console_can_be_turned_off() {
    let emulator = TestEmulator::with(Clock::System, |config: &mut Config| config.console = false).await;
    let client = emulator.client();
    for path in [HOME, "/_emulator/console/projects/x", "/"] {
        let answer = client.call_with(Method::GET, path, Body::empty(), &[("accept", "text/html,*/*;q=0.8")]).await;
        assert_eq!(answer.expect(404).header("content-type"), "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn a_browser_is_sent_from_the_root_to_the_console() {
    let project = TestProject::new();
    let client = project.client();
    let get = async |accept: &str| client.call_with(Method::GET, "/", Body::empty(), &[("accept", accept)]).await;
    let answer = get("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8").await.expect(303);
    assert_eq!(answer.header("location"), HOME);
    for program in ["*/*", "application/json", "application/json, text/html;q=0.9"] {
        get(program).await.expect(404);
    }
    client.get("/").await.expect(404);
    client.call_with(Method::POST, "/", Body::empty(), &[("accept", "text/html,*/*;q=0.1")]).await.expect(404);
}

/// Signs in with keys, and returns the answer.
async fn sign_in(browser: &Browser<'_>, id: &str, token: &str) -> crate::support::Answer {
    let page = browser.get(HOME).await.expect(303).header("location").to_owned();
    let page = browser.page(&page).await;
    let fields = [("id", id), ("token", token), ("return", HOME)];
    browser.submit_with(&format!("{HOME}/sign-in"), &fields, &form_token(&page), &[]).await
}

#[tokio::test]
async fn strict_authentication_asks_for_the_management_keys() {
    let emulator = TestEmulator::with(Clock::System, |config: &mut Config| config.strict_auth = true).await;
    let id = fill(&emulator.client()).await;
    let browser = Browser::new(&emulator);
    for page in [HOME.to_owned(), format!("{HOME}/projects/proj_x/customers/{id}"), format!("{HOME}/none")] {
        let answer = browser.get(&page).await.expect(303);
        assert!(answer.header("location").starts_with("/_emulator/console/sign-in?return="), "{page}");
    }
    for (id, token) in [(DEFAULT_MANAGEMENT_ID, "wrong"), ("wrong", DEFAULT_MANAGEMENT_TOKEN), ("", "")] {
        sign_in(&browser, id, token).await.expect(403);
        browser.get(HOME).await.expect(303);
    }
    let token = form_token(&browser.page(&format!("{HOME}/sign-in")).await);
    browser.submit_with(&format!("{HOME}/theme"), &[("theme", "dark")], &token, &[]).await.expect(403);

    let answer = sign_in(&browser, DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).await.expect(303);
    assert_eq!(answer.header("location"), HOME);
    let page = browser.page(HOME).await;
    assert!(page.contains("Sign out"));
    browser.submit_with(&format!("{HOME}/theme"), &[("theme", "dark")], &token, &[]).await.expect(403);
    browser.submit(&format!("{HOME}/sign-out"), &[]).await.expect(303);
    browser.get(HOME).await.expect(303);
}

#[tokio::test]
async fn an_address_that_others_can_reach_asks_for_the_management_keys() {
    let listen = SocketAddr::from(([0, 0, 0, 0], 8682));
    let emulator = TestEmulator::with(Clock::System, |config: &mut Config| config.listen = listen.into()).await;
    let browser = Browser::new(&emulator);
    browser.get(HOME).await.expect(303);
    sign_in(&browser, DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).await.expect(303);
    browser.page(HOME).await;
}
