//! The two ways to insert new customers: the statements of one server, and the functions of a distributed database. Both work on any
//! database, and must write the same rows.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};
use voucherify_emulator::db::batch_queue::BatchStatement;
use voucherify_emulator::db::customers::{InsertCustomers, NewCustomer, insert};
use voucherify_emulator::domain::activity::{ActivityEntry, ActivityType};
use voucherify_emulator::domain::credential::Channel;
use voucherify_emulator::domain::customer::{Customer, IndexedFields, OrderSummary};
use voucherify_emulator::domain::json::JsonText;
use voucherify_emulator::domain::project::ProjectId;
use voucherify_emulator::domain::trace_context::TraceContext;
use voucherify_emulator::domain::webhook::NewDelivery;

use crate::support::TestEmulator;

/// The tables of the rows that are inserted together with a customer, with their order.
const TABLES: [(&str, &str); 6] = [
    ("customers", "id"),
    ("customer_activity", "id"),
    ("segment_members", "segment_id, customer_id"),
    ("customer_moments", "customer_id, field, moment"),
    ("webhook_deliveries", "id"),
    ("row_counts", "resource"),
];

/// The project whose customers the statements insert, and the one whose customers the functions insert.
async fn projects(emulator: &TestEmulator) -> [(ProjectId, bool); 2] {
    emulator.client_with("second", "token").get("/v1/customers").await.expect(200);
    let of_second: i64 = sqlx::query_scalar("SELECT project_id FROM credentials WHERE app_id = 'second'")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    let sandbox: i64 =
        sqlx::query_scalar("SELECT id FROM projects WHERE is_sandbox").fetch_one(&emulator.pool).await.unwrap();
    [(ProjectId(sandbox), false), (ProjectId(of_second), true)]
}

/// A customer with one activity entry.
fn simple(id: &str, source_id: Option<&str>) -> NewCustomer {
    let at: DateTime<Utc> = "2031-02-03T04:05:06.789Z".parse().unwrap();
    NewCustomer {
        customer: Customer {
            id: id.to_owned(),
            source_id: source_id.map(str::to_owned),
            profile: JsonText::from_trusted(
                r#"{"name": "O'Neil \"x\"","email":"a@example.com","name":"twice"}"#.to_owned(),
            ),
            metadata: Some(JsonText::from_trusted(r#"{"b":1.0,"a":[null, "\u0041"]}"#.to_owned())),
            orders: OrderSummary::default(),
            state: None,
            created_at: at,
            updated_at: None,
        },
        indexed_fields: IndexedFields {
            name: Some("O'Neil \"x\", {NULL}".to_owned()),
            email: Some("a@example.com".to_owned()),
            city: None,
        },
        entries: vec![entry(id, "0", ActivityType::CustomerCreated, Channel::Api)],
        deliveries: Vec::new(),
        segment_ids: Vec::new(),
        moments: Vec::new(),
        rules_version: 0,
        due_at: at,
    }
}

fn entry(customer_id: &str, number: &str, kind: ActivityType, channel: Channel) -> ActivityEntry {
    ActivityEntry {
        customer_id: customer_id.to_owned(),
        id: format!("evcus_{customer_id}_{number}"),
        kind,
        group_id: "v-group".to_owned(),
        app_id: "key".into(),
        channel,
        data: JsonText::from_trusted(format!(r#"{{"customer": {{"id":"{customer_id}"}} }}"#)),
        referrer: None,
        created_at: "2031-02-03T04:05:06.789Z".parse().unwrap(),
    }
}

fn delivery(customer_id: &str, number: &str, trace: Option<TraceContext>) -> NewDelivery {
    NewDelivery {
        id: format!("whs_{customer_id}_{number}"),
        webhook_id: format!("wh_{number}"),
        customer_id: customer_id.to_owned(),
        entry_id: format!("evcus_{customer_id}_{number}"),
        trace: trace.map(Arc::new),
    }
}

/// A customer with rows in every table.
fn complete(id: &str, source_id: Option<&str>) -> NewCustomer {
    let mut new = simple(id, source_id);
    new.customer.metadata = None;
    new.indexed_fields.city = Some(String::new());
    new.entries.push(entry(id, "1", ActivityType::SegmentEntered, Channel::ClientApi));
    new.deliveries = vec![delivery(id, "0", Some(TraceContext::root([7; 16], [9; 8]))), delivery(id, "1", None)];
    new.segment_ids = vec!["seg_b".to_owned(), "seg_a".to_owned()];
    new.moments = vec![
        ("birthdate".to_owned(), "2000-02-29T23:59:59Z".parse().unwrap()),
        ("metadata.at".to_owned(), "1969-12-31T00:00:00Z".parse().unwrap()),
    ];
    // No worker looks at the deliveries.
    new.due_at = "2131-02-03T04:05:06Z".parse().unwrap();
    new
}

/// The rows of a project in every table of [`TABLES`], without the number of the project and the slot of the connection.
async fn rows(pool: &PgPool, project: ProjectId) -> Vec<(&'static str, Vec<String>)> {
    let mut rows = Vec::new();
    for (table, order) in TABLES {
        let statement = format!(
            "SELECT (to_jsonb(stored) - 'project_id' - 'slot')::text FROM {table} AS stored WHERE project_id = $1 ORDER BY {order}"
        );
        rows.push((table, sqlx::query_scalar(AssertSqlSafe(statement)).bind(project.0).fetch_all(pool).await.unwrap()));
    }
    rows
}

#[tokio::test]
async fn the_functions_insert_the_same_rows_as_the_statements() {
    let emulator = TestEmulator::new().await;
    let projects = projects(&emulator).await;
    let mut connection = emulator.connections.acquire().await.unwrap();
    let mut inserted = Vec::new();
    for (project, is_distributed) in projects {
        let mut run = async |batch: Vec<NewCustomer>| {
            let requests: Vec<_> = batch.into_iter().map(|new| (project, new)).collect();
            InsertCustomers::run(&mut connection, &requests, is_distributed).await.unwrap()
        };
        let mut outdated = simple("cust_outdated", Some("outdated"));
        outdated.rules_version = 5;
        let mut answers = vec![
            run(vec![simple("cust_one", Some("one"))]).await,
            run(vec![simple("cust_none", None), simple("cust_two", Some("two"))]).await,
            // The source id is taken, twice in one batch, and the rules have another version.
            run(vec![simple("cust_again", Some("one"))]).await,
            run(vec![
                complete("cust_all", Some("all")),
                complete("cust_again", Some("two")),
                simple("cust_single", Some("single")),
                outdated.clone(),
            ])
            .await,
            run(vec![complete("cust_alone", None)]).await,
            run(vec![outdated]).await,
        ];
        for new in
            [simple("cust_waits", Some("waits")), simple("cust_again", Some("all")), complete("cust_whole", None)]
        {
            answers.push(vec![insert(&mut connection, project, &new, is_distributed).await.unwrap()]);
        }
        inserted.push(answers);
    }
    connection.release();
    let expected: [&[bool]; 9] =
        [&[true], &[true, true], &[false], &[true, false, true, false], &[true], &[false], &[true], &[false], &[true]];
    assert_eq!(inserted[0], expected);
    assert_eq!(inserted[1], expected);
    let stored = rows(&emulator.pool, projects[0].0).await;
    assert_eq!(stored, rows(&emulator.pool, projects[1].0).await);
    let counts: Vec<_> = stored.iter().map(|(table, rows)| (*table, rows.len())).collect();
    let expected = [8, 11, 6, 6, 6, 3];
    assert_eq!(counts, TABLES.map(|(table, _)| table).into_iter().zip(expected).collect::<Vec<_>>());
}

#[tokio::test]
async fn neither_way_waits_for_a_lock_unless_it_shall() {
    let emulator = TestEmulator::new().await;
    for (project, is_distributed) in projects(&emulator).await {
        // The statements set the time limit for locks on the coordinator, where the rows of a distributed database are not.
        if emulator.is_distributed() && !is_distributed {
            continue;
        }
        let mut connection = emulator.connections.acquire().await.unwrap();
        // Another transaction changes the rules.
        let mut other = emulator.pool.begin().await.unwrap();
        sqlx::query("SELECT lock_rules_exclusive($1)").bind(project.0).execute(&mut *other).await.unwrap();
        for batch in [vec![simple("cust_a", None)], vec![complete("cust_b", None), simple("cust_c", None)]] {
            let count = batch.len();
            let requests: Vec<_> = batch.into_iter().map(|new| (project, new)).collect();
            let inserted = InsertCustomers::run(&mut connection, &requests, is_distributed).await.unwrap();
            assert_eq!(inserted, vec![false; count]);
        }
        other.rollback().await.unwrap();
        // Another transaction has inserted the source id, and has not committed.
        let mut other = emulator.connections.begin().await.unwrap();
        assert!(insert(&mut other, project, &simple("cust_first", Some("same")), is_distributed).await.unwrap());
        for batch in
            [vec![simple("cust_d", Some("same"))], vec![simple("cust_e", None), simple("cust_f", Some("same"))]]
        {
            let count = batch.len();
            let requests: Vec<_> = batch.into_iter().map(|new| (project, new)).collect();
            let inserted = InsertCustomers::run(&mut connection, &requests, is_distributed).await.unwrap();
            assert_eq!(inserted, vec![false; count]);
        }
        let second = simple("cust_g", Some("same"));
        let waits = insert(&mut connection, project, &second, is_distributed);
        let finishes = async {
            let mut observer = emulator.pool.acquire().await.unwrap();
            TestEmulator::wait_until_blocked(&mut observer, 1).await;
            other.roll_back().await;
        };
        let (inserted, ()) = tokio::join!(waits, finishes);
        assert!(inserted.unwrap());
        connection.release();
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM customers WHERE project_id = $1")
            .bind(project.0)
            .fetch_all(&emulator.pool)
            .await
            .unwrap();
        assert_eq!(ids, ["cust_g"]);
    }
}
