use std::time::Duration;

use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};

use super::{PATH, account, deleted, error, other_account, send};
use crate::support::{TestEmulator, TestProject};

const INFO: [(&str, &str); 3] = [("type", "customer_info"), ("code", "a"), ("output", "JSON")];

#[tokio::test]
async fn the_first_missing_field_is_named() {
    let project = TestProject::new();
    let all = [account(&project)[0], account(&project)[1], account(&project)[2], ("type", "customer_info")];
    for (count, name) in ["user_id", "user_password", "account_id", "type", "code"].into_iter().enumerate() {
        let answer = send(&project, &all[..count], &[]).await.expect(200);
        let expected = format!("<response status=\"error\">\n<error>{name} is required</error>\n</response>");
        assert_eq!(answer.text, expected);
        assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    }
    let empty = [account(&project)[0], ("user_password", ""), account(&project)[2]];
    assert!(send(&project, &empty, &[]).await.text.contains("<error>user_password is required</error>"));
}

#[tokio::test]
async fn wrong_keys_and_keys_that_no_header_can_carry_are_rejected() {
    let emulator = TestEmulator::new().await;
    let long = "x".repeat(201);
    for (id, key) in [
        (DEFAULT_APP_ID, "wrong"),
        ("new", &long),
        (&long, "key"),
        ("\0", "key"),
        ("new", "\0"),
        ("ü", "key"),
        ("new", "line\nline"),
    ] {
        let fields = [("user_id", id), ("user_password", key), ("account_id", "new")];
        let answer = send(&emulator, &[&fields[..], &INFO].concat(), &[]).await.expect(200);
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid user_id or user_password"}), "{id:?}");
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1, "the rejected requests create no project");
}

#[tokio::test]
async fn the_account_id_is_the_name_or_the_public_id_of_the_project() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let public_id: String =
        sqlx::query_scalar("SELECT public_id FROM projects").fetch_one(&emulator.pool).await.unwrap();
    for name in ["Sandbox Project", &public_id] {
        let fields = [account(&emulator)[0], account(&emulator)[1], ("account_id", name)];
        assert_eq!(send(&emulator, &[&fields[..], &INFO].concat(), &[]).await.json()["status"], "success");
    }
    // The name of an auto-provisioned project is the id of its key.
    let theirs = send(&emulator, &[&other_account(&emulator)[..], &INFO].concat(), &[]).await.json();
    assert_eq!(theirs["error"], "Customer not found");
    for name in ["sandbox project", "other", "proj_", "\0", "1"] {
        let fields = [account(&emulator)[0], account(&emulator)[1], ("account_id", name)];
        assert_eq!(send(&emulator, &[&fields[..], &INFO].concat(), &[]).await.json()["error"], "Invalid account_id");
    }
}

#[tokio::test]
async fn strict_auth_rejects_unknown_keys() {
    let emulator = TestEmulator::with(Clock::System, |config| config.strict_auth = true).await;
    let answer = send(&emulator, &[&other_account(&emulator)[..], &INFO].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Invalid user_id or user_password");
    assert_eq!(error(&emulator, &INFO).await, "Customer not found");
}

#[tokio::test]
async fn the_key_header_takes_precedence_over_the_field() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let right = DEFAULT_APP_TOKEN;
    for (header, field, is_accepted) in [
        (Some(right), Some(right), true),
        (Some(right), Some("wrong"), true),
        (Some("wrong"), Some(right), false),
        (Some("wrong"), Some("wrong"), false),
        (Some(right), None, true),
        (Some(""), Some(right), false),
        (Some("\u{fc}"), Some(right), false),
        (None, Some(right), true),
    ] {
        let mut fields = vec![account(&emulator)[0], account(&emulator)[2]];
        fields.extend(field.map(|field| ("user_password", field)));
        fields.extend(INFO);
        let headers: Vec<_> = header.map(|header| ("api_access_key", header)).into_iter().collect();
        let answer = send(&emulator, &fields, &headers).await.expect(200).json();
        let expected = if is_accepted { "success" } else { "error" };
        assert_eq!(answer["status"], expected, "{header:?} {field:?}");
    }
}

#[tokio::test]
async fn user_api_key_takes_precedence_over_user_password() {
    let emulator = TestEmulator::new().await;
    for (keys, is_accepted) in [
        (vec![("user_api_key", DEFAULT_APP_TOKEN)], true),
        (vec![("user_api_key", "wrong"), ("user_password", DEFAULT_APP_TOKEN)], true),
        (vec![("user_api_key", DEFAULT_APP_TOKEN), ("user_password", "wrong")], false),
    ] {
        let fields = [&[account(&emulator)[0], account(&emulator)[2]], &keys[..], &INFO].concat();
        let answer = send(&emulator, &fields, &[]).await.json();
        assert_eq!(answer["error"] == "Customer not found", is_accepted, "{answer}");
    }
}

#[tokio::test]
async fn voucherify_key_headers_are_ignored() {
    let emulator = TestEmulator::new().await;
    let headers = [("x-app-id", DEFAULT_APP_ID), ("x-app-token", DEFAULT_APP_TOKEN)];
    assert_eq!(send(&emulator, &INFO, &headers).await.json()["error"], "user_id is required");
}

#[tokio::test]
async fn requests_change_no_customer_of_another_account_with_the_same_code() {
    let project = TestProject::new();
    for client in [project.client(), project.other_project()] {
        client.customer(json!({"source_id": "a", "name": "Same Code"})).await;
        client.post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "a"}})).await.expect(200);
    }
    let delete = [("type", "customer_delete"), ("code", "a"), ("output", "JSON")];
    assert_eq!(send(&project, &[&other_account(&project)[..], &delete].concat(), &[]).await.json(), deleted("a"));
    project.other_project().get("/v1/customers/a").await.expect(404);
    assert_eq!(project.client().get("/v1/customers/a").await.expect(200).json()["name"], "Same Code");
    assert_eq!(project.client().get("/v1/orders").await.json()["total"], 1);
    let edit = [("type", "record_customer"), ("customer_action", "edit"), ("code", "a"), ("city", "Here")];
    let answer =
        send(&project, &[&other_account(&project)[..], &edit, &[("output", "json")]].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Customer not found");
    // The keys of one account with the id of another are rejected.
    let mixed = [account(&project)[0], account(&project)[1], other_account(&project)[2]];
    let answer = send(&project, &[&mixed[..], &delete].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Invalid account_id", "{PATH}");
    project.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn cached_keys_of_a_deleted_project_are_rejected() {
    let emulator = TestEmulator::new().await;
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = emulator.manager().post("/management/v1/projects", body).await.expect(200);
    let (id, key) = (created.string("/server_side_key/app_id"), created.string("/server_side_key/app_token"));
    let fields = [("user_id", id.as_str()), ("user_password", &key), ("account_id", "Team")];
    // The other emulator caches the keys for one second.
    let other_emulator = emulator.start_another(|_| {}).await;
    assert_eq!(send(&other_emulator, &[&fields[..], &INFO].concat(), &[]).await.json()["error"], "Customer not found");
    emulator.manager().delete(&format!("/management/v1/projects/{}", created.string("/id"))).await.expect(204);
    let record = [("type", "record_customer"), ("customer_action", "new"), ("code", "a"), ("output", "JSON")];
    for call in [&INFO[..], &record] {
        let answer = send(&other_emulator, &[&fields[..], call].concat(), &[]).await.expect(200);
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid user_id or user_password"}));
    }
}

#[tokio::test]
async fn a_request_that_waits_while_its_project_is_deleted_gets_the_error_of_wrong_keys() {
    let emulator = TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_secs(2)).await;
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = emulator.manager().post("/management/v1/projects", body).await.expect(200);
    let (id, key) = (created.string("/server_side_key/app_id"), created.string("/server_side_key/app_token"));
    let mut blocker = emulator.connections.begin().await.unwrap();
    sqlx::query("SELECT lock_rules_exclusive(id) FROM projects WHERE name = 'Team'")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let record = [("type", "record_customer"), ("customer_action", "new"), ("code", "a"), ("output", "JSON")];
    let fields = [("user_id", id.as_str()), ("user_password", &key), ("account_id", "Team")];
    let all = [&fields[..], &record].concat();
    let call = send(&emulator, &all, &[]);
    let delete_meanwhile = async {
        let mut observer = emulator.pool.acquire().await.unwrap();
        TestEmulator::wait_until_blocked(&mut observer, 1).await;
        emulator.manager().delete(&format!("/management/v1/projects/{}", created.string("/id"))).await.expect(204);
        blocker.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(call, delete_meanwhile);
    let expected = json!({"status": "error", "error": "Invalid user_id or user_password"});
    assert_eq!(answer.expect(200).json(), expected);
}

#[tokio::test]
async fn unknown_keys_with_the_account_id_of_another_project_create_no_project() {
    let emulator = TestEmulator::new().await;
    for _ in 0..2 {
        let fields = [other_account(&emulator)[0], other_account(&emulator)[1], ("account_id", "Sandbox Project")];
        assert_eq!(send(&emulator, &[&fields[..], &INFO].concat(), &[]).await.json()["error"], "Invalid account_id");
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
    emulator.other_project().get("/v1/customers").await.expect(200);
}
