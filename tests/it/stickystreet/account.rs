use std::time::Duration;

use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};

use super::{ACCOUNT, PATH, STRANGER, deleted, error, send};
use crate::support::World;

const LOOK: [(&str, &str); 3] = [("type", "customer_info"), ("code", "a"), ("output", "JSON")];

#[tokio::test]
async fn what_is_missing_is_named_one_after_the_other() {
    let world = World::new().await;
    let all = [ACCOUNT[0], ACCOUNT[1], ACCOUNT[2], ("type", "customer_info")];
    for (count, name) in ["user_id", "user_password", "account_id", "type", "code"].into_iter().enumerate() {
        let answer = send(&world, &all[..count], &[]).await.expect(200);
        let expected = format!("<response status=\"error\">\n<error>{name} is required</error>\n</response>");
        assert_eq!(answer.text, expected);
        assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    }
    let empty = [ACCOUNT[0], ("user_password", ""), ACCOUNT[2]];
    assert!(send(&world, &empty, &[]).await.text.contains("<error>user_password is required</error>"));
}

#[tokio::test]
async fn wrong_keys_are_refused_and_so_is_what_no_header_could_carry() {
    let world = World::new().await;
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
        let answer = send(&world, &[&fields[..], &LOOK].concat(), &[]).await.expect(200);
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid user_id or user_password"}), "{id:?}");
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 1, "none came of it");
}

#[tokio::test]
async fn the_account_is_the_project_by_its_name_or_its_public_id() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let public_id: String = sqlx::query_scalar("SELECT public_id FROM projects").fetch_one(&world.pool).await.unwrap();
    for account in ["Sandbox Project", &public_id] {
        let fields = [ACCOUNT[0], ACCOUNT[1], ("account_id", account)];
        assert_eq!(send(&world, &[&fields[..], &LOOK].concat(), &[]).await.json()["status"], "success");
    }
    // A project that came by itself has the name of its key.
    let theirs = send(&world, &[&STRANGER[..], &LOOK].concat(), &[]).await.json();
    assert_eq!(theirs["error"], "Customer not found");
    for account in ["sandbox project", "stranger", "proj_", "\0", "1"] {
        let fields = [ACCOUNT[0], ACCOUNT[1], ("account_id", account)];
        assert_eq!(send(&world, &[&fields[..], &LOOK].concat(), &[]).await.json()["error"], "Invalid account_id");
    }
}

#[tokio::test]
async fn strict_keys_open_nothing_new() {
    let world = World::with(Clock::System, |config| config.strict_auth = true).await;
    let answer = send(&world, &[&STRANGER[..], &LOOK].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Invalid user_id or user_password");
    assert_eq!(error(&world, &LOOK).await, "Customer not found");
}

#[tokio::test]
async fn where_the_header_is_given_it_alone_counts() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let right = DEFAULT_APP_TOKEN;
    for (header, field, is_let_in) in [
        (Some(right), Some(right), true),
        (Some(right), Some("wrong"), true),
        (Some("wrong"), Some(right), false),
        (Some("wrong"), Some("wrong"), false),
        (Some(right), None, true),
        (Some(""), Some(right), false),
        (Some("\u{fc}"), Some(right), false),
        (None, Some(right), true),
    ] {
        let mut fields = vec![ACCOUNT[0], ACCOUNT[2]];
        fields.extend(field.map(|field| ("user_password", field)));
        fields.extend(LOOK);
        let headers: Vec<_> = header.map(|header| ("api_access_key", header)).into_iter().collect();
        let answer = send(&world, &fields, &headers).await.expect(200).json();
        let expected = if is_let_in { "success" } else { "error" };
        assert_eq!(answer["status"], expected, "{header:?} {field:?}");
    }
}

#[tokio::test]
async fn the_key_has_a_second_name_which_the_first_wins_over() {
    let world = World::new().await;
    for (keys, is_let_in) in [
        (vec![("user_api_key", DEFAULT_APP_TOKEN)], true),
        (vec![("user_api_key", "wrong"), ("user_password", DEFAULT_APP_TOKEN)], true),
        (vec![("user_api_key", DEFAULT_APP_TOKEN), ("user_password", "wrong")], false),
    ] {
        let fields = [&[ACCOUNT[0], ACCOUNT[2]], &keys[..], &LOOK].concat();
        let answer = send(&world, &fields, &[]).await.json();
        assert_eq!(answer["error"] == "Customer not found", is_let_in, "{answer}");
    }
}

#[tokio::test]
async fn keys_in_the_headers_of_the_first_vendor_do_not_count() {
    let world = World::new().await;
    let headers = [("x-app-id", DEFAULT_APP_ID), ("x-app-token", DEFAULT_APP_TOKEN)];
    assert_eq!(send(&world, &LOOK, &headers).await.json()["error"], "user_id is required");
}

#[tokio::test]
async fn another_account_with_the_same_code_is_not_touched() {
    let world = World::new().await;
    for client in [world.client(), world.stranger()] {
        client.customer(json!({"source_id": "a", "name": "Same Code"})).await;
        client.post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "a"}})).await.expect(200);
    }
    let delete = [("type", "customer_delete"), ("code", "a"), ("output", "JSON")];
    assert_eq!(send(&world, &[&STRANGER[..], &delete].concat(), &[]).await.json(), deleted("a"));
    world.stranger().get("/v1/customers/a").await.expect(404);
    assert_eq!(world.client().get("/v1/customers/a").await.expect(200).json()["name"], "Same Code");
    assert_eq!(world.client().get("/v1/orders").await.json()["total"], 1);
    let edit = [("type", "record_customer"), ("customer_action", "edit"), ("code", "a"), ("city", "Here")];
    let answer = send(&world, &[&STRANGER[..], &edit, &[("output", "json")]].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Customer not found");
    // With the keys of one and the name of the other, nothing is done either.
    let mixed = [ACCOUNT[0], ACCOUNT[1], STRANGER[2]];
    let answer = send(&world, &[&mixed[..], &delete].concat(), &[]).await.json();
    assert_eq!(answer["error"], "Invalid account_id", "{PATH}");
    world.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn the_keys_of_a_project_that_was_deleted_a_moment_ago_are_refused() {
    let world = World::new().await;
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = world.manager().post("/management/v1/projects", body).await.expect(200);
    let (id, key) = (created.string("/server_side_key/app_id"), created.string("/server_side_key/app_token"));
    let fields = [("user_id", id.as_str()), ("user_password", &key), ("account_id", "Team")];
    // It remembers the keys for a second.
    let elsewhere = world.again(|_| {}).await;
    assert_eq!(send(&elsewhere, &[&fields[..], &LOOK].concat(), &[]).await.json()["error"], "Customer not found");
    world.manager().delete(&format!("/management/v1/projects/{}", created.string("/id"))).await.expect(204);
    let record = [("type", "record_customer"), ("customer_action", "new"), ("code", "a"), ("output", "JSON")];
    for call in [&LOOK[..], &record] {
        let answer = send(&elsewhere, &[&fields[..], call].concat(), &[]).await.expect(200);
        assert_eq!(answer.json(), json!({"status": "error", "error": "Invalid user_id or user_password"}));
    }
}

#[tokio::test]
async fn a_call_that_waits_while_its_project_is_deleted_is_told_of_the_keys() {
    let world = World::with(Clock::System, |config| config.request_timeout = Duration::from_secs(2)).await;
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = world.manager().post("/management/v1/projects", body).await.expect(200);
    let (id, key) = (created.string("/server_side_key/app_id"), created.string("/server_side_key/app_token"));
    let mut holder = world.connections.begin().await.unwrap();
    sqlx::query("SELECT lock_rules(id) FROM projects WHERE name = 'Team'").execute(&mut *holder).await.unwrap();
    let record = [("type", "record_customer"), ("customer_action", "new"), ("code", "a"), ("output", "JSON")];
    let fields = [("user_id", id.as_str()), ("user_password", &key), ("account_id", "Team")];
    let all = [&fields[..], &record].concat();
    let call = send(&world, &all, &[]);
    let meanwhile = async {
        let mut looker = world.pool.acquire().await.unwrap();
        World::until_waiting(&mut looker, 1).await;
        world.manager().delete(&format!("/management/v1/projects/{}", created.string("/id"))).await.expect(204);
        holder.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(call, meanwhile);
    let expected = json!({"status": "error", "error": "Invalid user_id or user_password"});
    assert_eq!(answer.expect(200).json(), expected);
}

#[tokio::test]
async fn nothing_comes_of_a_pair_that_was_never_seen_with_the_account_of_another() {
    let world = World::new().await;
    for _ in 0..2 {
        let fields = [STRANGER[0], STRANGER[1], ("account_id", "Sandbox Project")];
        assert_eq!(send(&world, &[&fields[..], &LOOK].concat(), &[]).await.json()["error"], "Invalid account_id");
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 1);
    world.stranger().get("/v1/customers").await.expect(200);
}
