use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{call, error, record};
use crate::support::{TestEmulator, TestProject};

const DELETE: [(&str, &str); 2] = [("type", "customer_delete"), ("code", "a")];

#[tokio::test]
async fn the_output_is_xml_unless_json_is_requested() {
    let project = TestProject::new();
    for (output, media) in [
        ("", "text/xml; charset=utf-8"),
        ("XML", "text/xml; charset=utf-8"),
        ("yaml", "text/xml; charset=utf-8"),
        ("JSON", "application/json; charset=utf-8"),
        ("json", "application/json; charset=utf-8"),
    ] {
        let answer = call(&project, &[&DELETE[..], &[("output", output)]].concat()).await;
        assert_eq!(answer.header("content-type"), media, "{output}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    }
}

#[tokio::test]
async fn json_has_attributes_as_members_and_can_be_condensed() {
    let project = TestProject::new();
    let answer = |more: Vec<(&'static str, &'static str)>| {
        let project = &project;
        async move {
            project.client().customer(json!({"source_id": "a"})).await;
            call(project, &[&DELETE[..], &[("output", "JSON")], &more].concat()).await.text
        }
    };
    let pretty =
        "{\n  \"status\": \"success\",\n  \"customer\": {\n    \"status\": \"deleted\",\n    \"code\": \"a\"\n  }\n}";
    let condensed = r#"{"status":"success","customer":{"status":"deleted","code":"a"}}"#;
    assert_eq!(answer(vec![]).await, pretty);
    assert_eq!(answer(vec![("condensed", "no")]).await, pretty);
    assert_eq!(answer(vec![("condensed", "yes")]).await, condensed);
    assert_eq!(answer(vec![("condensed", "YES"), ("callback", "")]).await, condensed);
    assert_eq!(answer(vec![("callback", "app.gone")]).await, format!("app.gone({pretty});"));
    assert_eq!(answer(vec![("callback", "f"), ("condensed", "yes")]).await, format!("f({condensed});"));
    let error = call(&project, &[&DELETE[..], &[("output", "json"), ("condensed", "yes")]].concat()).await;
    assert_eq!(error.text, r#"{"status":"error","error":"Customer not found"}"#);
    let error = call(&project, &[&DELETE[..], &[("output", "json"), ("callback", "f")]].concat()).await;
    assert_eq!(error.header("content-type"), "application/javascript; charset=utf-8");
    assert_eq!(error.text, "f({\n  \"status\": \"error\",\n  \"error\": \"Customer not found\"\n});");
}

#[tokio::test]
async fn condensed_and_callback_are_ignored_for_xml() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a"})).await;
    let answer = call(&project, &[&DELETE[..], &[("callback", "alert(1)"), ("condensed", "yes")]].concat()).await;
    assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    assert!(answer.text.starts_with("<response status=\"success\">\n<customer"), "{}", answer.text);
}

#[tokio::test]
async fn an_invalid_callback_is_rejected_without_an_echo_and_nothing_is_deleted() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a"})).await;
    for callback in ["alert(1)//needle", "needle;x", "<needle>", "needle[0]", "needle\n", &"needle".repeat(100)] {
        let answer = call(&project, &[&DELETE[..], &[("output", "json"), ("callback", callback)]].concat()).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid callback"}));
        assert!(!answer.text.contains("needle"));
    }
    project.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn javascript_line_separators_are_escaped() {
    let project = TestProject::new();
    record(&project, "new", &[("code", "a"), ("last_name", "x\u{2028}y\u{2029}z")]).await;
    let fields = [("type", "customer_info"), ("code", "a"), ("output", "json"), ("callback", "f")];
    let answer = call(&project, &fields).await;
    assert!(answer.text.contains(r#""x\u2028y\u2029z""#) && !answer.text.contains('\u{2028}'), "{}", answer.text);
}

#[tokio::test]
async fn characters_that_xml_cannot_contain_are_replaced_in_xml_and_kept_in_json() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a\u{1}", "name": "x\u{FFFE}\u{1b}[0m"})).await;
    let info = [("type", "customer_info"), ("code", "a\u{1}")];
    let answer = call(&project, &info).await;
    assert!(answer.text.contains("<code>a\u{FFFD}</code>"), "{}", answer.text);
    assert!(answer.text.contains("<first_name>x\u{FFFD}\u{FFFD}[0m</first_name>"), "{}", answer.text);
    let answer = call(&project, &[&info[..], &[("output", "json")]].concat()).await.json();
    assert_eq!(answer["customer"]["first_name"], "x\u{FFFE}\u{1b}[0m");
    // An error message that repeats such a character replaces it too.
    let refused = call(&project, &[("type", "\u{1}")]).await;
    assert!(refused.text.contains("<error>Invalid type: \u{FFFD}</error>"), "{}", refused.text);
}

/// Whether the character matches the production `Char` of XML 1.0.
fn is_char(character: char) -> bool {
    matches!(u32::from(character), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x0010_FFFF)
}

#[test]
fn recorded_texts_are_unchanged_after_parsing_the_xml_and_json_output() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(TestEmulator::new());
    runtime.block_on(record(&emulator, "new", &[("code", "c")]));
    let text = prop_oneof![
        3 => "[ -~é🎉\r\n\t\u{85}\u{a0}\u{2028}\u{fffd}\u{feff}]{0,12}",
        2 => "[<>&'\"\\]\\[!;#x0-9\r\n-]{0,12}",
        1 => proptest::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
        1 => "[\u{1}-\u{20}\u{7e}-\u{9f}\u{fffe}\u{ffff}]{1,3}",
    ];
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) });
    runner
        .run(&(text.clone(), text), |(last_name, city)| {
            runtime.block_on(async {
                let edit = [("type", "record_customer"), ("customer_action", "edit"), ("code", "c")];
                let fields = [&edit[..], &[("last_name", &last_name), ("city", &city)]].concat();
                if !last_name.chars().chain(city.chars()).all(is_char) {
                    assert!(error(&emulator, &fields).await.ends_with("must not hold characters that XML cannot"));
                    return;
                }
                call(&emulator, &fields).await;
                let answer = call(&emulator, &[("type", "customer_info"), ("code", "c")]).await;
                let document = roxmltree::Document::parse(&answer.text).unwrap();
                let element = |name| {
                    let found = document.descendants().find(|node| node.has_tag_name(name)).unwrap();
                    found.text().unwrap_or_default().to_owned()
                };
                assert_eq!((element("last_name"), element("city")), (last_name.clone(), city.clone()));
                let fields = [("type", "customer_info"), ("code", "c"), ("output", "json"), ("callback", "f")];
                let script = call(&emulator, &fields).await.text;
                let json: Value = serde_json::from_str(&script[2..script.len() - 2]).unwrap();
                assert_eq!(json["customer"]["last_name"], last_name);
            });
            Ok(())
        })
        .unwrap();
}
