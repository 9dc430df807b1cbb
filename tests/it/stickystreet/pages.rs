//! Calls that a page in a browser sends. The endpoint needs no origin, so any page could use keys that everybody knows.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN, KeyPair};

use super::{PATH, account, encoded, other_account, send};
use crate::support::{Answer, TestEmulator, TestProject};

type Headers<'a> = &'a [(&'static str, &'a str)];

const POLICY: &str = "cross-origin-resource-policy";
const DELETE: [(&str, &str); 3] = [("type", "customer_delete"), ("code", "a"), ("output", "json")];
const INFO: [(&str, &str); 3] = [("type", "customer_info"), ("code", "a"), ("output", "json")];
/// What browsers send for a page of another site: a form or `fetch`, a script or a link, and a page that hides its URL.
const FOREIGN: [Headers<'static>; 6] = [
    &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
    &[("origin", "null"), ("referer", "http://localhost/")],
    &[("referer", "https://evil.example/page?a=http://localhost"), ("sec-fetch-site", "cross-site")],
    &[("referer", "https://evil.example/")],
    &[("sec-fetch-site", "cross-site")],
    &[("origin", "http://127.0.0.1.evil.example")],
];
/// What programs, local pages and the address line of a browser send.
const LOCAL: [Headers<'static>; 6] = [
    &[],
    &[("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")],
    &[("referer", "http://127.0.0.1:5173/shop?a=https://evil.example"), ("sec-fetch-site", "cross-site")],
    &[("referer", "http://shop.test/")],
    &[("sec-fetch-site", "none")],
    &[("sec-fetch-site", "same-origin")],
];

async fn by_query(project: &TestProject, fields: &[(&str, &str)], headers: Headers<'_>) -> Answer {
    let mut request = Request::get(format!("{PATH}?{}", encoded(fields)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    project.send(request.body(Body::empty()).unwrap()).await.expect(200)
}

fn refused() -> Value {
    let error = "The built-in keys are public, so only pages of local hosts may use them. Use keys of your own, or set client_trusted_domains of the project";
    json!({"status": "error", "error": error})
}

#[tokio::test]
async fn pages_of_other_sites_cannot_use_the_built_in_keys() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    for headers in FOREIGN {
        for call in [&INFO[..], &DELETE] {
            let fields = [&account(&emulator)[..], call].concat();
            let form = send(&emulator, &fields, headers).await.expect(200);
            let query = by_query(&emulator, &fields, headers).await;
            let script = by_query(&emulator, &[&fields[..], &[("callback", "f")]].concat(), headers).await;
            assert_eq!((form.json(), query.json()), (refused(), refused()), "{headers:?}");
            assert!(script.text.starts_with("f({") && script.text.contains("only pages of local hosts"), "{script:?}");
            for answer in [form, query, script] {
                assert_eq!(answer.header(POLICY), "same-site");
            }
        }
    }
    emulator.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn programs_and_local_pages_can_use_the_built_in_keys() {
    let emulator = TestEmulator::new().await;
    for headers in LOCAL {
        emulator.client().customer(json!({"source_id": "a"})).await;
        let account = account(&emulator);
        let info = [&account[..], &INFO, &[("callback", "f")]].concat();
        let script = by_query(&emulator, &info, headers).await;
        assert!(script.text.contains("\"success\""), "{headers:?} {script:?}");
        let answer = send(&emulator, &[&account[..], &DELETE].concat(), headers).await.expect(200);
        assert_eq!(answer.json()["status"], "success", "{headers:?}");
        assert_eq!((script.header(POLICY), answer.header(POLICY)), ("same-site", "same-site"));
    }
}

#[tokio::test]
async fn pages_of_other_sites_can_use_other_keys() {
    let project = TestProject::new();
    for headers in FOREIGN.iter().chain(&LOCAL) {
        project.other_project().customer(json!({"source_id": "a"})).await;
        let answer = by_query(&project, &[&other_account(&project)[..], &DELETE].concat(), headers).await;
        assert_eq!(answer.json()["status"], "success", "{headers:?}");
        assert!(!answer.headers.contains_key(POLICY), "a page of another site may load the answer");
    }
    let answer = send(&project, &INFO, &[]).await.expect(200);
    assert_eq!(answer.header(POLICY), "same-site", "no keys");
}

#[tokio::test]
async fn the_setting_of_the_project_says_which_pages_may_use_the_built_in_keys() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let info = [&account(&emulator)[..], &INFO].concat();
    let set = async |domains: Value| {
        let body = json!({"client_trusted_domains": domains});
        emulator.client().put("/_emulator/project", body).await.expect(200);
    };
    set(json!(["shop.example"])).await;
    for (headers, is_trusted, policy) in [
        (&[("referer", "https://shop.example/page")][..], true, None),
        (&[("origin", "https://shop.example")], true, None),
        (&[("referer", "https://evil.example/shop.example")], false, Some("same-site")),
        (&[("referer", "http://localhost/")], false, Some("same-site")),
        (&[("sec-fetch-site", "cross-site")], false, Some("same-site")),
        (&[], true, Some("same-site")),
    ] {
        let answer = by_query(&emulator, &info, headers).await;
        let expected = if is_trusted { "success" } else { "error" };
        assert_eq!(answer.json()["status"], expected, "{headers:?}");
        let header = answer.headers.get(POLICY).map(|value| value.to_str().unwrap());
        assert_eq!(header, policy, "{headers:?}");
    }
    set(json!(["*"])).await;
    for headers in FOREIGN {
        assert_eq!(by_query(&emulator, &info, headers).await.json()["status"], "success", "{headers:?}");
    }
}

#[tokio::test]
async fn a_refused_call_creates_no_project() {
    let emulator = TestEmulator::with(Clock::System, |config| config.server_keys = KeyPair::new("mine", "a")).await;
    let fields = [("user_id", DEFAULT_APP_ID), ("user_password", DEFAULT_APP_TOKEN), ("account_id", DEFAULT_APP_ID)];
    let call = [&fields[..], &INFO].concat();
    for headers in FOREIGN {
        assert_eq!(by_query(&emulator, &call, headers).await.json(), refused());
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
    assert_eq!(by_query(&emulator, &call, &[]).await.json()["error"], "Customer not found");
}
