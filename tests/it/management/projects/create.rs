use serde_json::{Value, json};

use super::{PATH, client_of, create, minimal, path_of};
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_created_project_has_keys_and_the_vendors_form() {
    let project = TestProject::new();
    let answer = project.manager().post(PATH, minimal("Team")).await.expect(200);
    // Replace the keys and tokens, whose form the contract validates.
    let mut shape = answer.shape();
    for secret in [
        "/webhook_token",
        "/server_side_key/app_id",
        "/server_side_key/app_token",
        "/client_side_key/app_id",
        "/client_side_key/app_token",
    ] {
        shape = shape.replace(&answer.string(secret), "<uuid>");
    }
    let disabled = r#"{"value":80,"emails":[],"in_app":false,"enabled":false}"#;
    assert_eq!(
        shape,
        format!(
            r#"{{"id":"<proj_>","name":"Team","currency":"EUR","timezone":"UTC","cluster_id":"eu1","api_version":"v2018-08-01","description":"","case_sensitive_codes":true,"client_trusted_domains":["*"],"client_redeem_enabled":false,"client_publish_enabled":false,"client_list_vouchers_enabled":false,"client_create_customer_enabled":true,"client_loyalty_events_enabled":true,"client_set_voucher_expiration_date_enabled":false,"api_usage_notifications":{{"messages":{disabled},"api_calls":{disabled},"cycle_calls":{disabled},"redemptions":{disabled},"webhook_calls":{disabled},"bulk_api_calls":{disabled}}},"webhooks_callout_notifications":{{"webhooks":{{"email":false,"emails":[],"in_app":false}},"distributions":{{"email":false,"emails":[],"in_app":false}}}},"is_sandbox":false,"webhook_version":"v2024-01-01","webhook_token":"<uuid>","server_side_key":{{"app_id":"<uuid>","app_token":"<uuid>"}},"client_side_key":{{"app_id":"<uuid>","app_token":"<uuid>"}}}}"#
        )
    );
}

fn usage(value: i64) -> Value {
    json!({"value": value, "emails": ["a@b.c"], "in_app": true, "enabled": true})
}

#[tokio::test]
async fn all_settings_are_stored_and_returned() {
    let project = TestProject::new();
    let mut body = json!({
        "name": "Team", "currency": "PLN", "timezone": "Europe/Warsaw", "dial_code": "+48", "description": "D",
        "case_sensitive_codes": false, "client_trusted_domains": ["shop.example"],
        "client_redeem_enabled": true, "client_publish_enabled": true, "client_list_vouchers_enabled": true,
        "client_create_customer_enabled": false, "client_loyalty_events_enabled": false,
        "client_set_voucher_expiration_date_enabled": true,
        "api_usage_notifications": {
            "messages": usage(10), "api_calls": usage(20), "cycle_calls": usage(30), "redemptions": usage(40),
            "webhook_calls": usage(50), "bulk_api_calls": usage(90),
        },
        "webhooks_callout_notifications": {
            "webhooks": {"email": true, "emails": ["a@b.c"], "in_app": false},
            "distributions": {"email": false, "emails": [], "in_app": true},
        },
        "webhook_version": "v2024-01-01", "api_version": "v2018-08-01", "cluster_id": "eu1",
        "users": [{"id": "user_1", "role": "ADMIN"}, {"login": "a@b.c", "role": "role_of_ours"}],
    });
    let created = project.manager().post(PATH, body.clone()).await.expect(200);
    let read = project.manager().get(&path_of(&created)).await.expect(200).json();
    body.as_object_mut().unwrap().remove("users");
    for (name, value) in body.as_object().unwrap() {
        assert_eq!((name, &created.json()[name]), (name, value));
        assert_eq!((name, &read[name]), (name, value));
    }
    // The vendor's creation request has no default_code_config, so it is ignored.
    let mut body = minimal("Team");
    body["default_code_config"] = json!({"charset": "01"});
    let created = project.manager().post(PATH, body).await.expect(200).json();
    assert_eq!(created["default_code_config"], json!(null));
}

#[tokio::test]
async fn keys_of_a_created_project_are_accepted_at_once_and_only_by_the_api_of_their_family() {
    // Strict authentication accepts created keys.
    let emulator =
        TestEmulator::with(voucherify_emulator::clock::Clock::System, |config| config.strict_auth = true).await;
    let created = create(&emulator.manager(), "Team").await;
    let client = client_of(&emulator, &created);
    client.customer(json!({"source_id": "alice"})).await;
    emulator.client().get("/v1/customers/alice").await.expect(404);
    let [server, browser] = ["/server_side_key", "/client_side_key"]
        .map(|key| (created.string(&format!("{key}/app_id")), created.string(&format!("{key}/app_token"))));
    for ([id_header, token_header], (id, token)) in [
        (["x-app-id", "x-app-token"], &browser),
        (["x-app-id", "x-app-token"], &(server.0.clone(), browser.1.clone())),
        (["x-client-application-id", "x-client-token"], &server),
        (["x-management-id", "x-management-token"], &server),
    ] {
        emulator.caller(&[(id_header, id), (token_header, token)]).get("/v1/customers/alice").await.expect(401);
    }
    let tables = emulator.tables_with(&server.1).await;
    assert_eq!(tables, Vec::<String>::new(), "the token is stored only as a hash");
}

#[tokio::test]
async fn missing_and_invalid_settings_are_rejected_with_their_names() {
    let emulator = TestEmulator::new().await;
    let manager = emulator.manager();
    let answer = manager.post(PATH, json!({"case_sensitive_codes": true})).await.expect(400);
    assert_eq!(
        answer.shape(),
        r#"{"code":400,"key":"invalid_payload","message":"Invalid payload","details":"Payload must have required property 'name'","request_id":"<v->"}"#
    );
    for name in ["case_sensitive_codes", "timezone", "currency"] {
        let mut body = minimal("Team");
        body.as_object_mut().unwrap().remove(name);
        let answer = manager.post(PATH, body).await.expect(400);
        assert_eq!(answer.string("/details"), format!("Payload must have required property '{name}'"));
    }
    let usage_with = |name: &str, value: Value| {
        let mut of_messages = usage(80);
        of_messages[name] = value;
        json!({"messages": of_messages, "api_calls": usage(80), "cycle_calls": usage(80), "webhook_calls": usage(80), "bulk_api_calls": usage(80)})
    };
    let callout = json!({"email": true, "emails": [], "in_app": true});
    for (name, value, wrong) in [
        ("name", json!(1), " must be string"),
        ("name", json!(null), " must be string"),
        ("name", json!(""), " must NOT have fewer than 1 characters"),
        ("name", json!("n".repeat(501)), " must NOT have more than 500 characters"),
        ("description", json!(1), " must be string"),
        ("description", json!("d".repeat(5_001)), " must NOT have more than 5000 characters"),
        ("case_sensitive_codes", json!("true"), " must be boolean"),
        ("case_sensitive_codes", json!(null), " must be boolean"),
        ("timezone", json!(null), " must be string"),
        ("timezone", json!("Europe Warsaw"), " must match pattern \"^[A-Za-z0-9_+:/-]{1,64}$\""),
        ("currency", json!("euro"), " must match pattern \"^[A-Z]{3}$\""),
        ("currency", json!(null), " must be string"),
        ("dial_code", json!(48), " must be string"),
        ("dial_code", json!("x"), " must match pattern \"^\\+?[0-9][0-9 -]{0,9}$\""),
        ("webhook_version", json!("v1"), " must be equal to one of the allowed values [ v2024-01-01 ]"),
        ("api_version", json!("v1"), " must be equal to one of the allowed values [ v2018-08-01 ]"),
        ("client_trusted_domains", json!("*"), " must be array"),
        ("client_trusted_domains", json!([1]), "[0] must be string"),
        ("client_trusted_domains", json!(["d".repeat(501)]), "[0] must NOT have more than 500 characters"),
        ("client_trusted_domains", json!(vec!["*"; 101]), " must NOT have more than 100 items"),
        ("client_redeem_enabled", json!(1), " must be boolean"),
        ("api_usage_notifications", json!([]), " must be object"),
        ("api_usage_notifications", json!({}), " should have required property 'messages'"),
        ("api_usage_notifications", usage_with("value", json!(9)), ".messages.value cannot be lower than 10"),
        ("api_usage_notifications", usage_with("value", json!(91)), ".messages.value cannot be higher than 90"),
        ("api_usage_notifications", usage_with("value", json!(null)), ".messages.value must be integer"),
        ("api_usage_notifications", usage_with("emails", json!(null)), ".messages.emails must be array"),
        ("api_usage_notifications", usage_with("in_app", json!(0)), ".messages.in_app must be boolean"),
        (
            "webhooks_callout_notifications",
            json!({"webhooks": callout}),
            " should have required property 'distributions'",
        ),
        (
            "webhooks_callout_notifications",
            json!({"webhooks": 1, "distributions": callout}),
            ".webhooks must be object",
        ),
        (
            "webhooks_callout_notifications",
            json!({"webhooks": {"email": true}, "distributions": callout}),
            ".webhooks should have required property 'in_app'",
        ),
        ("users", json!({}), " must be array"),
        ("users", json!([{"id": "u"}]), "[0] should have required property 'role'"),
        ("users", json!([{"role": "ADMIN"}]), "[0] must have either property 'id' or property 'login'"),
        (
            "users",
            json!([{"role": "ADMIN", "id": "u", "login": "l"}]),
            "[0] must have either property 'id' or property 'login'",
        ),
    ] {
        let mut body = minimal("Team");
        body[name] = value;
        let answer = manager.post(PATH, body).await.expect(400);
        assert_eq!(answer.string("/details"), format!("Property .{name}{wrong}"));
    }
    assert_eq!(manager.get(PATH).await.expect(200).json()["total"], 1, "only the default project exists");
}

#[tokio::test]
async fn every_region_is_accepted_and_answered_as_sent() {
    let project = TestProject::new();
    let manager = project.manager();
    for cluster in ["127", "api", "us1", "dev", "eu1", "My-Cluster", "x".repeat(63).as_str()] {
        let mut body = minimal("Team");
        body["cluster_id"] = json!(cluster);
        let created = manager.post(PATH, body).await.expect(200);
        assert_eq!(created.string("/cluster_id"), cluster);
        let read = manager.get(&format!("{PATH}/{}", created.string("/id"))).await.expect(200);
        assert_eq!(read.string("/cluster_id"), cluster);
    }
    for cluster in [json!(null), json!("eu1")] {
        let mut body = minimal("Team");
        body["cluster_id"] = cluster;
        assert_eq!(manager.post(PATH, body).await.expect(200).string("/cluster_id"), "eu1");
    }
}

#[tokio::test]
async fn a_text_that_is_no_name_of_a_region_returns_400() {
    let project = TestProject::new();
    for cluster in [String::new(), "x".repeat(64), "a.b".to_owned(), "a b".to_owned(), "ü".to_owned()] {
        let mut body = minimal("Team");
        body["cluster_id"] = json!(cluster);
        let answer = project.manager().post(PATH, body).await.expect(400);
        assert_eq!(answer.string("/details"), r#"Property .cluster_id must match pattern "^[A-Za-z0-9-]{1,63}$""#);
    }
    let mut body = minimal("Team");
    body["cluster_id"] = json!(1);
    let answer = project.manager().post(PATH, body).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .cluster_id must be string");
}

#[tokio::test]
async fn server_keys_and_wrong_management_tokens_return_401() {
    let project = TestProject::new();
    let answer = project.client().post(PATH, minimal("Team")).await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
    create(&project.other_manager(), "Team").await;
    let wrong = project.manager_with(project.other_management_keys().0, "another token");
    wrong.post(PATH, minimal("Team")).await.expect(401);
}
