use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use voucherify_emulator::db::batches::Batches;
use voucherify_emulator::domain::credential::Channel;
use voucherify_emulator::domain::customer::CustomerPatch;
use voucherify_emulator::domain::project::ProjectId;
use voucherify_emulator::domain::project_control::ProjectControl;
use voucherify_emulator::ids::{IdSource, Ids};
use voucherify_emulator::metrics::Metrics;
use voucherify_emulator::service::cache_generation::CacheGeneration;
use voucherify_emulator::service::customers_by_source_id::create_with_free_source_id;
use voucherify_emulator::service::database_health::DatabaseHealth;
use voucherify_emulator::service::faults::cache::FaultCache;
use voucherify_emulator::service::jobs::JobScheduler;
use voucherify_emulator::service::pending_work::PendingWork;
use voucherify_emulator::service::request_log::RequestLog;
use voucherify_emulator::service::rules::RulesCache;
use voucherify_emulator::service::webhooks::DeliveryNotifier;
use voucherify_emulator::service::work_counts::WorkCounts;
use voucherify_emulator::service::{Caller, Core, Error};
use voucherify_emulator::trace::Tracer;

use super::{call, error, info, record};
use crate::support::{TestEmulator, TestProject};

/// Every field with a different value.
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

/// Records a customer, expects an error, and returns its message.
async fn record_error(project: &TestProject, action: &str, fields: &[(&str, &str)]) -> String {
    error(project, &[&[("type", "record_customer"), ("customer_action", action)], fields].concat()).await
}

#[tokio::test]
async fn a_recorded_customer_is_visible_in_the_voucherify_api_and_all_fields_are_returned() {
    let emulator = TestEmulator::new().await;
    let more = [("customer_password", "hunter2"), ("campaign_id", "1,2"), ("API", "1.5")];
    assert_eq!(record(&emulator, "new", &[&[("code", "c1")], &ALL[..], &more].concat()).await, "c1");
    let answer = emulator.client().get("/v1/customers/c1").await.expect(200);
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
    let shown = info(&emulator, "c1").await;
    for (name, value) in ALL {
        assert_eq!(shown[name], value, "{name}");
    }
    assert_eq!((&shown["code"], &shown["registered"]), (&json!("c1"), &json!("Y")));
    assert_eq!(emulator.tables_with("hunter2").await, Vec::<String>::new(), "the password is not stored");
    let entries = emulator.client().get("/v1/customers/c1/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.created"]);
}

#[tokio::test]
async fn a_missing_code_is_generated() {
    let project = TestProject::new();
    let code = record(&project, "new", &[("first_name", "A")]).await;
    assert!(code.len() == 16 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert_ne!(record(&project, "new", &[("code", "")]).await, code);
    assert_eq!(info(&project, &code).await["first_name"], "A");
    let answer = call(&project, &[("type", "record_customer"), ("customer_action", "new"), ("code", "x")]).await;
    assert_eq!(answer.text, "<response status=\"success\">\n<customer>\n<code>x</code>\n</customer>\n</response>");
}

#[tokio::test]
async fn a_generated_code_that_is_in_use_is_replaced_by_another() {
    let emulator = TestEmulator::new().await;
    let id = emulator.client().customer(json!({"source_id": "used"})).await;
    let project: i64 = sqlx::query_scalar("SELECT id FROM projects").fetch_one(&emulator.pool).await.unwrap();
    let core = Core {
        batches: Batches::new(&emulator.connections, emulator.is_distributed()),
        database_health: DatabaseHealth::default(),
        pool: emulator.connections.clone(),
        clock: emulator.clock.clone(),
        ids: std::sync::Arc::new(Ids::new(9)),
        rules_cache: RulesCache::default(),
        job_scheduler: JobScheduler::default(),
        delivery_notifier: DeliveryNotifier::default(),
        pending_work: PendingWork::new(emulator.is_distributed()),
        request_log: RequestLog::new(0),
        faults: FaultCache::default(),
        fault_operations: HashSet::new(),
        credentials: CacheGeneration::default(),
        metrics: Metrics::new(emulator.connections.metrics()),
        work_counts: WorkCounts::default(),
        tracer: Tracer::default(),
    };
    let caller = Caller {
        project: ProjectId(project),
        app_id: "key".into(),
        channel: Channel::Api,
        request_id: "v-1".to_owned(),
        trace: None,
        control: ProjectControl::default(),
    };
    let count = AtomicUsize::new(0);
    let codes = |_: &mut IdSource| ["used", "used", "free"][count.fetch_add(1, Ordering::Relaxed)].to_owned();
    let created = create_with_free_source_id(&core, &caller, &CustomerPatch::default(), codes).await.unwrap();
    assert_eq!(created, "free");
    let none =
        create_with_free_source_id(&core, &caller, &CustomerPatch::default(), |_: &mut IdSource| "used".to_owned())
            .await;
    assert!(matches!(none, Err(Error::Duplicate { .. })));
    let kept = emulator.client().get("/v1/customers/used").await.expect(200).json();
    assert_eq!((&kept["id"], &kept["updated_at"]), (&json!(id), &Value::Null));
}

#[tokio::test]
async fn a_new_customer_with_a_used_code_is_rejected() {
    let project = TestProject::new();
    record(&project, "new", &[("code", "c1"), ("first_name", "A")]).await;
    assert_eq!(
        record_error(&project, "new", &[("code", "c1"), ("first_name", "B")]).await,
        "Another customer has this code"
    );
    assert_eq!(info(&project, "c1").await["first_name"], "A");
    // After the deletion of the customer the code is free.
    call(&project, &[("type", "customer_delete"), ("code", "c1")]).await;
    record(&project, "new", &[("code", "c1")]).await;
    assert_eq!(info(&project, "c1").await["first_name"], "");
}

#[tokio::test]
async fn one_of_several_concurrent_requests_for_a_code_succeeds() {
    let project = TestProject::new();
    let fields = [("type", "record_customer"), ("customer_action", "new"), ("code", "c1")];
    let answers = futures_util::future::join_all((0..8).map(|_| call(&project, &fields))).await;
    let created = answers.iter().filter(|answer| answer.text.contains("status=\"success\"")).count();
    let rejected = answers.iter().filter(|answer| answer.text.contains("Another customer has this code")).count();
    assert_eq!((created, rejected), (1, 7));
    assert_eq!(project.client().get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn an_edit_changes_the_sent_fields_and_clears_the_empty_ones() {
    let project = TestProject::new();
    record(&project, "new", &[&[("code", "c1")], &ALL[..]].concat()).await;
    assert_eq!(record(&project, "edit", &[("code", "c1"), ("last_name", "Smith"), ("city", "")]).await, "c1");
    let mut expected: HashMap<_, _> = ALL.into_iter().collect();
    expected.extend([("last_name", "Smith"), ("city", "")]);
    let shown = info(&project, "c1").await;
    for (name, value) in &expected {
        assert_eq!(shown[name], *value, "{name}");
    }
    let customer = project.client().get("/v1/customers/c1").await.expect(200).json();
    assert_eq!(customer["name"], "Alice Maria Smith");
    let all_empty: Vec<_> = ALL.iter().map(|(name, _)| (*name, "")).collect();
    record(&project, "edit", &[&[("code", "c1")], &all_empty[..]].concat()).await;
    let shown = info(&project, "c1").await;
    for (name, _) in ALL {
        assert_eq!(shown[name], "", "{name}");
    }
    assert_eq!(shown["registered"], "N");
    let customer = project.client().get("/v1/customers/c1").await.expect(200).json();
    assert!(customer.get("name").is_none() && customer.get("email").is_none(), "{customer}");
    let entries = project.client().get("/v1/customers/c1/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.updated", "customer.updated", "customer.created"]);
    // An edit without fields changes nothing and records no activity.
    record(&project, "edit", &[("code", "c1")]).await;
    assert_eq!(project.client().get("/v1/customers/c1/activity").await.json()["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_edit_requires_an_existing_customer_and_a_registration_requires_a_code() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "c1"})).await;
    for code in ["c2", &id] {
        assert_eq!(record_error(&project, "edit", &[("code", code), ("city", "X")]).await, "Customer not found");
    }
    for action in ["edit", "register"] {
        assert_eq!(record_error(&project, action, &[("card_number", "1")]).await, "code is required");
    }
    assert_eq!(project.client().get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn concurrent_edits_lose_no_change() {
    let project = TestProject::new();
    record(&project, "new", &[("code", "c1"), ("first_name", "A"), ("last_name", "B")]).await;
    let edit = [("type", "record_customer"), ("customer_action", "edit"), ("code", "c1")];
    for round in 0..5 {
        let (first, last) = (format!("first{round}"), format!("last{round}"));
        let fields = [[&edit[..], &[("first_name", &first)]].concat(), [&edit[..], &[("last_name", &last)]].concat()];
        tokio::join!(call(&project, &fields[0]), call(&project, &fields[1]));
        let customer = project.client().get("/v1/customers/c1").await.json();
        assert_eq!(customer["name"], format!("{first} {last}"));
    }
}

#[tokio::test]
async fn a_customer_with_only_a_card_can_be_registered_once() {
    let project = TestProject::new();
    record(&project, "new", &[("code", "c1"), ("card_number", "77")]).await;
    assert_eq!(info(&project, "c1").await["registered"], "N");
    record(&project, "register", &[("code", "c1"), ("email", "a@b.c")]).await;
    let shown = info(&project, "c1").await;
    assert_eq!(json!([shown["registered"], shown["card_number"], shown["email"]]), json!(["Y", "77", "a@b.c"]));
    let error = record_error(&project, "register", &[("code", "c1"), ("email", "x@y.z")]).await;
    assert_eq!(error, "Customer is registered already");
    assert_eq!(info(&project, "c1").await["email"], "a@b.c");
    // A registration with an unknown code creates the customer.
    assert_eq!(record(&project, "register", &[("code", "c2"), ("phone", "1")]).await, "c2");
    assert_eq!(info(&project, "c2").await["registered"], "Y");
}

#[tokio::test]
async fn invalid_fields_are_rejected_with_their_names() {
    let project = TestProject::new();
    let (long, longer) = ("x".repeat(501), "x".repeat(5_001));
    let long_name = "é".repeat(250);
    for (fields, expected) in [
        (vec![("code", long.as_str())], "code must not have more than 500 characters"),
        (vec![("phone", &long)], "phone must not have more than 500 characters"),
        (vec![("custom_field", &longer)], "custom_field must not have more than 5000 characters"),
        (
            vec![("first_name", &long_name), ("last_name", &long_name)],
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
        assert_eq!(record_error(&project, "new", &fields).await, expected);
    }
    assert_eq!(error(&project, &[("type", "record_customer")]).await, "customer_action is required");
    assert_eq!(
        record_error(&project, "delete", &[("code", "a")]).await,
        "customer_action must be new, register or edit"
    );
    assert_eq!(project.client().get("/v1/customers").await.json()["total"], 0);
    record(&project, "new", &[("code", "c1"), ("first_name", &long_name)]).await;
    record(&project, "edit", &[("code", "c1"), ("last_name", &long_name[..498])]).await;
    let too_long = record_error(&project, "edit", &[("code", "c1"), ("last_name", &long_name)]).await;
    assert!(too_long.starts_with("first_name and last_name together"), "{too_long}");
}

#[tokio::test]
async fn fields_are_validated_against_the_metadata_schema() {
    let project = TestProject::new();
    let schema = json!({"related_object": "customer", "allow_defined_only": false, "properties": {
        "card_number": {"type": "number", "optional": true, "array": false}}});
    project.client().post("/v1/metadata-schemas", schema).await.expect(200);
    let error_message = record_error(&project, "new", &[("card_number", "77")]).await;
    assert!(error_message.starts_with("card_number: must be a number"), "{error_message}");
    record(&project, "new", &[("first_name", "A")]).await;
}
