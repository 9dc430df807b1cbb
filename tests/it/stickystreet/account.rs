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
