//! The form that builds a segment.

use serde_json::json;

use super::Browser;
use super::pages::fill;
use crate::support::TestProject;

#[tokio::test]
async fn a_segment_is_built_from_conditions() {
    let project = TestProject::new();
    let client = project.client();
    fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [
        ("name", "Spenders"),
        ("type", "auto-update"),
        ("junction", "and"),
        ("field-1", "summary.orders.total_amount"),
        ("operator-1", "$more_than"),
        ("values-1", "100"),
        ("field-2", "created_at"),
        ("operator-2", "$today"),
        ("values-2", "true"),
        ("operator-3", "$is"),
    ];
    let (location, page) = browser.submit_and_follow(&format!("{path}/segments/new"), &fields).await;
    for text in ["The segment was created.", "Alice Morgan", "1 member", "created_at is today"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let id = location.rsplit('/').next().unwrap().split('?').next().unwrap();
    let filter = client.get(&format!("/v1/segments/{id}")).await.expect(200).json()["filter"].clone();
    let expected = json!({"junction": "and", "summary.orders.total_amount": {"conditions": {"$more_than": ["100"]}},
        "created_at": {"conditions": {"$today": [true]}}});
    assert_eq!(filter, expected);

    let (_, list) = browser.submit_and_follow(&format!("{path}/segments/{id}/delete"), &[]).await;
    assert!(list.contains("The segment was deleted.") && !list.contains("Spenders"));
}

#[tokio::test]
async fn a_static_segment_is_built_from_customers() {
    let project = TestProject::new();
    let id = fill(&project.client()).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [("name", "List"), ("type", "static"), ("customers", id.as_str())];
    let (_, page) = browser.submit_and_follow(&format!("{path}/segments/new"), &fields).await;
    assert!(page.contains("Alice Morgan") && page.contains("1 member"));
}

#[tokio::test]
async fn a_wrong_filter_is_shown_with_the_error() {
    let project = TestProject::new();
    fill(&project.client()).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for (field, operator, value, status) in [
        ("unknown_field", "$is", "a", 400),
        ("created_at", "$after", "never", 400),
        ("created_at", "$active", "true", 400),
    ] {
        let fields =
            [("name", "Kept"), ("type", "passive"), ("field-1", field), ("operator-1", operator), ("values-1", value)];
        let answer = browser.submit(&format!("{path}/segments/new"), &fields).await.expect(status);
        assert!(answer.text.contains("role=\"alert\"") && answer.text.contains("value=\"Kept\""), "{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{field}\"")));
    }
}
