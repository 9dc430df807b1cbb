use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use voucherify_emulator::domain::credential::Channel;
use voucherify_emulator::domain::customer::CustomerPatch;
use voucherify_emulator::domain::project::ProjectId;
use voucherify_emulator::ids::Ids;
use voucherify_emulator::service::customers_by_source_id::create_under_free_source_id;
use voucherify_emulator::service::jobs::Turns;
use voucherify_emulator::service::rules::RulesMemory;
use voucherify_emulator::service::webhooks::Outbox;
use voucherify_emulator::service::{Caller, Core, Error};

use super::{call, error, info, record};
use crate::support::World;

/// Every field, with a value of its own.
const ALL: [(&str, &str); 14] = [
    ("card_number", "77 88"),
    ("first_name", "Alice Maria"),
    ("last_name", "de Morgan"),
    ("phone", "+1 933"),
    ("email", "alice@morgan.com"),
    ("street1", "Main Street 1"),
    ("street2", "Back"),
    ("city", "Town"),
    ("state", "ST"),
    ("postal_code", "0001"),
    ("country", "US"),
    ("custom_date", "1999-12-31"),
    ("custom_field", "anything & <all>"),
    ("customer_username", "alice"),
];

async fn failure(world: &World, action: &str, fields: &[(&str, &str)]) -> String {
    error(world, &[&[("type", "record_customer"), ("customer_action", action)], fields].concat()).await
}

#[tokio::test]
async fn a_new_customer_is_one_of_the_first_door_and_comes_back_as_it_was_sent() {
    let world = World::new().await;
    let more = [("customer_password", "hunter2"), ("campaign_id", "1,2"), ("API", "1.5")];
    assert_eq!(record(&world, "new", &[&[("code", "c1")], &ALL[..], &more].concat()).await, "c1");
    let answer = world.client().get("/v1/customers/c1").await.expect(200);
    let customer = answer.json();
    assert_eq!(
        json!([customer["name"], customer["email"], customer["phone"], customer["address"], customer["metadata"]]),
        json!([
            "Alice Maria de Morgan",
            "alice@morgan.com",
            "+1 933",
            {"city": "Town", "state": "ST", "line_1": "Main Street 1", "line_2": "Back", "country": "US", "postal_code": "0001"},
            {"card_number": "77 88", "custom_date": "1999-12-31", "custom_field": "anything & <all>",
             "customer_username": "alice", "first_name": "Alice Maria", "last_name": "de Morgan"},
        ])
    );
    let known = info(&world, "c1").await;
    for (name, value) in ALL {
        assert_eq!(known[name], value, "{name}");
    }
    assert_eq!((&known["code"], &known["registered"]), (&json!("c1"), &json!("Y")));
    assert_eq!(world.tables_with("hunter2").await, Vec::<String>::new(), "the password is kept nowhere");
    let entries = world.client().get("/v1/customers/c1/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.created"]);
}

#[tokio::test]
async fn a_code_that_is_not_sent_is_made() {
    let world = World::new().await;
    let code = record(&world, "new", &[("first_name", "A")]).await;
    assert!(code.len() == 16 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert_ne!(record(&world, "new", &[("code", "")]).await, code);
    assert_eq!(info(&world, &code).await["first_name"], "A");
    let answer = call(&world, &[("type", "record_customer"), ("customer_action", "new"), ("code", "x")]).await;
    assert_eq!(answer.text, "<response status=\"success\">\n<customer>\n<code>x</code>\n</customer>\n</response>");
}

#[tokio::test]
async fn a_code_that_is_made_and_taken_is_followed_by_another() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "taken"})).await;
    let project: i64 = sqlx::query_scalar("SELECT id FROM projects").fetch_one(&world.pool).await.unwrap();
    let core = Core {
        pool: world.connections.clone(),
        clock: world.clock.clone(),
        ids: Ids::new(9),
        rules: RulesMemory::default(),
        turns: Turns::default(),
        outbox: Outbox::default(),
    };
    let caller = Caller {
        project: ProjectId(project),
        app_id: "key".into(),
        channel: Channel::Api,
        request_id: "v-1".to_owned(),
    };
    let count = AtomicUsize::new(0);
    let codes = || ["taken", "taken", "free"][count.fetch_add(1, Ordering::Relaxed)].to_owned();
    let made = create_under_free_source_id(&core, &caller, &CustomerPatch::default(), codes).await.unwrap();
    assert_eq!(made, "free");
    let none = create_under_free_source_id(&core, &caller, &CustomerPatch::default(), || "taken".to_owned()).await;
    assert!(matches!(none, Err(Error::Duplicate { .. })));
    let kept = world.client().get("/v1/customers/taken").await.expect(200).json();
    assert_eq!((&kept["id"], &kept["updated_at"]), (&json!(id), &Value::Null));
}

#[tokio::test]
async fn a_code_that_somebody_has_is_not_new() {
    let world = World::new().await;
    record(&world, "new", &[("code", "c1"), ("first_name", "A")]).await;
    assert_eq!(failure(&world, "new", &[("code", "c1"), ("first_name", "B")]).await, "Another customer has this code");
    assert_eq!(info(&world, "c1").await["first_name"], "A");
    // Once they are gone, the code is free.
    call(&world, &[("type", "customer_delete"), ("code", "c1")]).await;
    record(&world, "new", &[("code", "c1")]).await;
    assert_eq!(info(&world, "c1").await["first_name"], "");
}

#[tokio::test]
async fn of_many_that_ask_for_one_code_at_once_one_gets_it() {
    let world = World::new().await;
    let fields = [("type", "record_customer"), ("customer_action", "new"), ("code", "c1")];
    let answers = futures_util::future::join_all((0..8).map(|_| call(&world, &fields))).await;
    let made = answers.iter().filter(|answer| answer.text.contains("status=\"success\"")).count();
    let refused = answers.iter().filter(|answer| answer.text.contains("Another customer has this code")).count();
    assert_eq!((made, refused), (1, 7));
    assert_eq!(world.client().get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn an_edit_changes_what_was_sent_and_clears_what_was_sent_empty() {
    let world = World::new().await;
    record(&world, "new", &[&[("code", "c1")], &ALL[..]].concat()).await;
    assert_eq!(record(&world, "edit", &[("code", "c1"), ("last_name", "Smith"), ("city", "")]).await, "c1");
    let mut expected: HashMap<_, _> = ALL.into_iter().collect();
    expected.extend([("last_name", "Smith"), ("city", "")]);
    let known = info(&world, "c1").await;
    for (name, value) in &expected {
        assert_eq!(known[name], *value, "{name}");
    }
    let customer = world.client().get("/v1/customers/c1").await.expect(200).json();
    assert_eq!(customer["name"], "Alice Maria Smith");
    let all_empty: Vec<_> = ALL.iter().map(|(name, _)| (*name, "")).collect();
    record(&world, "edit", &[&[("code", "c1")], &all_empty[..]].concat()).await;
    let known = info(&world, "c1").await;
    for (name, _) in ALL {
        assert_eq!(known[name], "", "{name}");
    }
    assert_eq!(known["registered"], "N");
    let customer = world.client().get("/v1/customers/c1").await.expect(200).json();
    assert!(customer.get("name").is_none() && customer.get("email").is_none(), "{customer}");
    let entries = world.client().get("/v1/customers/c1/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.updated", "customer.updated", "customer.created"]);
    // Nothing to say is nothing to do.
    record(&world, "edit", &[("code", "c1")]).await;
    assert_eq!(world.client().get("/v1/customers/c1/activity").await.json()["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_edit_needs_a_customer() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "c1"})).await;
    for code in ["c2", &id] {
        assert_eq!(failure(&world, "edit", &[("code", code), ("city", "X")]).await, "Customer not found");
    }
    for action in ["edit", "register"] {
        assert_eq!(failure(&world, action, &[("card_number", "1")]).await, "code is required");
    }
    assert_eq!(world.client().get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn two_edits_at_once_both_count() {
    let world = World::new().await;
    record(&world, "new", &[("code", "c1"), ("first_name", "A"), ("last_name", "B")]).await;
    let edit = [("type", "record_customer"), ("customer_action", "edit"), ("code", "c1")];
    for round in 0..5 {
        let (first, last) = (format!("first{round}"), format!("last{round}"));
        let fields = [[&edit[..], &[("first_name", &first)]].concat(), [&edit[..], &[("last_name", &last)]].concat()];
        tokio::join!(call(&world, &fields[0]), call(&world, &fields[1]));
        let customer = world.client().get("/v1/customers/c1").await.json();
        assert_eq!(customer["name"], format!("{first} {last}"));
    }
}

#[tokio::test]
async fn whoever_has_only_a_card_is_registered_once() {
    let world = World::new().await;
    record(&world, "new", &[("code", "c1"), ("card_number", "77")]).await;
    assert_eq!(info(&world, "c1").await["registered"], "N");
    record(&world, "register", &[("code", "c1"), ("email", "a@b.c")]).await;
    let known = info(&world, "c1").await;
    assert_eq!(json!([known["registered"], known["card_number"], known["email"]]), json!(["Y", "77", "a@b.c"]));
    let again = failure(&world, "register", &[("code", "c1"), ("email", "x@y.z")]).await;
    assert_eq!(again, "Customer is registered already");
    assert_eq!(info(&world, "c1").await["email"], "a@b.c");
    // A card that nobody has recorded.
    assert_eq!(record(&world, "register", &[("code", "c2"), ("phone", "1")]).await, "c2");
    assert_eq!(info(&world, "c2").await["registered"], "Y");
}

#[tokio::test]
async fn what_cannot_be_kept_is_named() {
    let world = World::new().await;
    let (long, longer) = ("x".repeat(501), "x".repeat(5_001));
    let half = "é".repeat(250);
    for (fields, expected) in [
        (vec![("code", long.as_str())], "code must not have more than 500 characters"),
        (vec![("phone", &long)], "phone must not have more than 500 characters"),
        (vec![("custom_field", &longer)], "custom_field must not have more than 5000 characters"),
        (
            vec![("first_name", &half), ("last_name", &half)],
            "first_name and last_name together must not have more than 500 characters",
        ),
        (vec![("last_name", "a\u{0}")], "last_name must not hold characters that XML cannot"),
        (vec![("last_name", "a\u{b}")], "last_name must not hold characters that XML cannot"),
        (vec![("code", "\u{FFFF}")], "code must not hold characters that XML cannot"),
        (vec![("custom_date", "2024-02-30")], "custom_date must be a date of the form YYYY-MM-DD"),
        (vec![("custom_date", "31.12.2024")], "custom_date must be a date of the form YYYY-MM-DD"),
        (vec![("custom_date", "+024-01-01")], "custom_date must be a date of the form YYYY-MM-DD"),
        (vec![("new_code", "c2")], "new_code is not emulated: a customer keeps its code"),
        (vec![("card_number_generate", "8")], "card_number_generate is not emulated: send a card_number"),
    ] {
        assert_eq!(failure(&world, "new", &fields).await, expected);
    }
    assert_eq!(error(&world, &[("type", "record_customer")]).await, "customer_action is required");
    assert_eq!(failure(&world, "delete", &[("code", "a")]).await, "customer_action must be new, register or edit");
    assert_eq!(world.client().get("/v1/customers").await.json()["total"], 0);
    record(&world, "new", &[("code", "c1"), ("first_name", &half)]).await;
    record(&world, "edit", &[("code", "c1"), ("last_name", &half[..498])]).await;
    let too_long = failure(&world, "edit", &[("code", "c1"), ("last_name", &half)]).await;
    assert!(too_long.starts_with("first_name and last_name together"), "{too_long}");
}

#[tokio::test]
async fn a_schema_of_the_first_door_holds_here_too() {
    let world = World::new().await;
    let schema = json!({"related_object": "customer", "allow_defined_only": false, "properties": {
        "card_number": {"type": "number", "optional": true, "array": false}}});
    world.client().post("/v1/metadata-schemas", schema).await.expect(200);
    let refused = failure(&world, "new", &[("card_number", "77")]).await;
    assert!(refused.starts_with("card_number: must be a number"), "{refused}");
    record(&world, "new", &[("first_name", "A")]).await;
}
