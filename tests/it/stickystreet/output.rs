use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{call, error, record};
use crate::support::World;

const DELETE: [(&str, &str); 2] = [("type", "customer_delete"), ("code", "a")];

#[tokio::test]
async fn xml_is_what_is_answered_unless_json_is_asked_for() {
    let world = World::new().await;
    for (output, media) in [
        ("", "text/xml; charset=utf-8"),
        ("XML", "text/xml; charset=utf-8"),
        ("yaml", "text/xml; charset=utf-8"),
        ("JSON", "application/json; charset=utf-8"),
        ("json", "application/json; charset=utf-8"),
    ] {
        let answer = call(&world, &[&DELETE[..], &[("output", output)]].concat()).await;
        assert_eq!(answer.header("content-type"), media, "{output}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    }
}

#[tokio::test]
async fn json_has_the_attributes_as_members_and_no_white_space_where_that_is_asked_for() {
    let world = World::new().await;
    let answer = |more: Vec<(&'static str, &'static str)>| {
        let world = &world;
        async move {
            world.client().customer(json!({"source_id": "a"})).await;
            call(world, &[&DELETE[..], &[("output", "JSON")], &more].concat()).await.text
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
    let error = call(&world, &[&DELETE[..], &[("output", "json"), ("condensed", "yes")]].concat()).await;
    assert_eq!(error.text, r#"{"status":"error","error":"Customer not found"}"#);
    let error = call(&world, &[&DELETE[..], &[("output", "json"), ("callback", "f")]].concat()).await;
    assert_eq!(error.header("content-type"), "application/javascript; charset=utf-8");
    assert_eq!(error.text, "f({\n  \"status\": \"error\",\n  \"error\": \"Customer not found\"\n});");
}

#[tokio::test]
async fn xml_is_neither_condensed_nor_called() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let answer = call(&world, &[&DELETE[..], &[("callback", "alert(1)"), ("condensed", "yes")]].concat()).await;
    assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    assert!(answer.text.starts_with("<response status=\"success\">\n<customer"), "{}", answer.text);
}

#[tokio::test]
async fn a_callback_that_is_no_function_is_refused_without_an_echo_and_nothing_is_done() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    for callback in ["alert(1)//needle", "needle;x", "<needle>", "needle[0]", "needle\n", &"needle".repeat(100)] {
        let answer = call(&world, &[&DELETE[..], &[("output", "json"), ("callback", callback)]].concat()).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid callback"}));
        assert!(!answer.text.contains("needle"));
    }
    world.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn lines_of_javascript_do_not_end_within_a_text() {
    let world = World::new().await;
    record(&world, "new", &[("code", "a"), ("last_name", "x\u{2028}y\u{2029}z")]).await;
    let fields = [("type", "customer_info"), ("code", "a"), ("output", "json"), ("callback", "f")];
    let answer = call(&world, &fields).await;
    assert!(answer.text.contains(r#""x\u2028y\u2029z""#) && !answer.text.contains('\u{2028}'), "{}", answer.text);
}

#[tokio::test]
async fn what_xml_cannot_hold_is_replaced_in_it_and_kept_in_json() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a\u{1}", "name": "x\u{FFFE}\u{1b}[0m"})).await;
    let look = [("type", "customer_info"), ("code", "a\u{1}")];
    let answer = call(&world, &look).await;
    assert!(answer.text.contains("<code>a\u{FFFD}</code>"), "{}", answer.text);
    assert!(answer.text.contains("<first_name>x\u{FFFD}\u{FFFD}[0m</first_name>"), "{}", answer.text);
    let answer = call(&world, &[&look[..], &[("output", "json")]].concat()).await.json();
    assert_eq!(answer["customer"]["first_name"], "x\u{FFFE}\u{1b}[0m");
    // Also where it comes back in an error.
    let refused = call(&world, &[("type", "\u{1}")]).await;
    assert!(refused.text.contains("<error>Invalid type: \u{FFFD}</error>"), "{}", refused.text);
}

/// Whether XML 1.0 has the character, by the words of its production `Char`.
fn is_char(character: char) -> bool {
    matches!(u32::from(character), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x0010_FFFF)
}

#[test]
fn whatever_goes_in_comes_back_equal_from_a_parser() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    runtime.block_on(record(&world, "new", &[("code", "c")]));
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
                    assert!(error(&world, &fields).await.ends_with("must not hold characters that XML cannot"));
                    return;
                }
                call(&world, &fields).await;
                let answer = call(&world, &[("type", "customer_info"), ("code", "c")]).await;
                let document = roxmltree::Document::parse(&answer.text).unwrap();
                let element = |name| {
                    let found = document.descendants().find(|node| node.has_tag_name(name)).unwrap();
                    found.text().unwrap_or_default().to_owned()
                };
                assert_eq!((element("last_name"), element("city")), (last_name.clone(), city.clone()));
                let fields = [("type", "customer_info"), ("code", "c"), ("output", "json"), ("callback", "f")];
                let script = call(&world, &fields).await.text;
                let json: Value = serde_json::from_str(&script[2..script.len() - 2]).unwrap();
                assert_eq!(json["customer"]["last_name"], last_name);
            });
            Ok(())
        })
        .unwrap();
}
