//! Compares the evaluation of filters in Rust with the evaluation in SQL, over random customers and filters.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};
use voucherify_emulator::db;
use voucherify_emulator::domain::filter::{CustomerField, CustomerValues, FieldKind, Filter, JunctionRule, OPERATORS};
use voucherify_emulator::domain::limits::FILTER_TEXT_CHARS;
use voucherify_emulator::domain::project::ProjectId;

use crate::support::TestEmulator;

/// Texts that parse as a number, a date or a boolean, texts that almost do, and texts with special characters of SQL.
fn text() -> impl Strategy<Value = String> {
    let chosen = select(vec![
        "",
        "a",
        "A",
        "ab",
        "ą",
        "aą",
        "z",
        "%",
        "_",
        "\\",
        "'",
        "\"",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "10",
        "9",
        "9.0",
        "1e2",
        "100",
        "-3.5",
        " 7",
        "+7",
        "1e-9",
        ".5",
        "5.",
        "2024-02-29",
        "2023-02-29",
        "2024-03-15",
        "2024-03-15T12:00:00Z",
        "2024-03-15T12:00:00.001Z",
        "2024-03-15T12:00:00.0019Z",
        "2024-03-15T14:00:00+02:00",
        "2024-03-15T14:00+0200",
        "2024-03-15 12:00",
        "0000-01-01",
        "0001-01-01T00:00:00+14:59",
        "9999-12-31T23:59:59-14:59",
        "2024-1-1",
        "1990-02-28",
        "1991-03-01",
        "2024-12-31",
        "2024-03-11",
        "2024-03-17T23:59:59.999Z",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        6 => chosen,
        1 => "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,10})?)?(Z|[+-][01][0-9]:?[0-6][0-9])?)?",
        2 => "(20[0-2][0-9]|19[5-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9])(T1[0-9]:00:00\\.[0-9]{3}Z)?",
        1 => "-?[0-9]{1,31}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        1 => "[^\\x00]{0,4}".prop_map(|text| text.replace(char::from(0), "")),
    ]
}

/// A text whose end is near the last character that filters search.
fn long_text() -> impl Strategy<Value = String> {
    let filler = (select(vec!["x", "ą"]), FILTER_TEXT_CHARS - 3..FILTER_TEXT_CHARS + 2);
    (filler, text()).prop_map(|((character, count), end)| character.repeat(count) + &end)
}

/// The value of a metadata key.
fn metadata_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        6 => text().prop_map(Value::String),
        1 => long_text().prop_map(Value::String),
        2 => (-20_i64..200).prop_map(Value::from),
        1 => (-1e9_f64..1e9).prop_map(Value::from),
        1 => any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| Value::from(number))),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => Just(json!({"a": [1, "x"]})),
    ];
    prop_oneof![3 => scalar.clone(), 1 => proptest::collection::vec(scalar, 0..4).prop_map(Value::Array)]
}

const KEYS: [&str; 5] = ["text", "number", "moment", "day", "with.dot and ' blank"];

/// Returns the type of a metadata key, as a metadata schema would define it.
fn defined_kind(key: &str) -> Option<FieldKind> {
    match key {
        "number" => Some(FieldKind::Number),
        "moment" => Some(FieldKind::Moment),
        "day" => Some(FieldKind::Day),
        _ => None,
    }
}

#[derive(Clone, Debug)]
struct TestCustomer {
    body: Map<String, Value>,
    state: Option<Value>,
    /// The amount of each paid order.
    paid_amounts: Vec<i64>,
    events: usize,
    is_updated: bool,
    /// Minutes after the time at which the filters are evaluated; negative is before.
    created_at: i64,
}

fn customer() -> impl Strategy<Value = TestCustomer> {
    let optional = |strategy: BoxedStrategy<Value>| prop_oneof![1 => Just(None), 3 => strategy.prop_map(Some)];
    let texts = optional(text().prop_map(Value::String).boxed());
    let dates = optional(
        prop_oneof![
            "(19[5-9][0-9]|20[0-2][0-9])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
            Just("2024-02-29T23:30:00Z".to_owned())
        ]
        .prop_map(Value::String)
        .boxed(),
    );
    let metadata = proptest::collection::hash_map(select(KEYS.to_vec()), metadata_value(), 0..5)
        .prop_map(|keys| json!(keys.into_iter().collect::<HashMap<_, _>>()));
    let address = proptest::collection::hash_map(
        select(vec!["city", "state", "line_1", "country"]),
        prop_oneof![text().prop_map(Value::String), Just(Value::Null)],
        0..4,
    )
    .prop_map(|members| json!(members));
    let state = optional(
        (-3_i64..30, text(), proptest::collection::vec(text(), 0..3))
            .prop_map(|(points, source, widgets)| {
                json!({"system_metadata": {"source": source, "web_widget": {"widgets": widgets}},
                       "loyalty": {"points": points, "campaigns": {"C": {"points": points}}},
                       "summary": {"redemptions": {"total_redeemed": points, "gift": {"redeemed_amount": points}}}})
            })
            .boxed(),
    );
    (
        (texts.clone(), texts.clone(), texts, dates.clone(), dates),
        optional(address.boxed()),
        optional(metadata.boxed()),
        state,
        proptest::collection::vec(-50_i64..50, 0..3),
        0_usize..3,
        any::<bool>(),
        -100_000_i64..100_000,
    )
        .prop_map(
            |(
                (name, email, phone, birthdate, birthday),
                address,
                metadata,
                state,
                paid_amounts,
                events,
                is_updated,
                created_at,
            )| {
                let members = [
                    ("name", name),
                    ("email", email),
                    ("phone", phone),
                    ("birthdate", birthdate),
                    ("birthday", birthday),
                    ("address", address),
                    ("metadata", metadata),
                ];
                let body = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
                TestCustomer { body, state, paid_amounts, events, is_updated, created_at }
            },
        )
}

/// Fields that hold a date or a time.
const DATES: [&str; 7] = [
    "birthdate",
    "birthday",
    "created_at",
    "updated_at",
    "metadata.moment",
    "metadata.day",
    "summary.orders.last_order_date",
];

/// Substrings of the names of the operators whose operand is a number of days.
const DAY_COUNT_OPERATORS: [&str; 3] = ["_ago", "_future", "$is_year"];

const OTHER_FIELDS: [&str; 26] = [
    "name",
    "email",
    "phone",
    "source_id",
    "address.city",
    "address.state",
    "address.line_1",
    "address.country",
    "metadata.text",
    "metadata.number",
    "metadata.with.dot and ' blank",
    "metadata.nowhere",
    "summary.orders.total_amount",
    "summary.orders.total_count",
    "summary.orders.average_amount",
    "summary.orders.last_order_amount",
    "summary.redemptions.total_redeemed",
    "summary.redemptions.gift.redeemed_amount",
    "loyalty.points",
    "loyalty_points.campaigns.C.points",
    "loyalty_points.campaigns.D.points",
    "events.e.count",
    "events.none.count",
    "system_metadata.source",
    "system_metadata.web_widget.widgets",
    "publications.x",
];

/// A filter in which most operands fit their operators.
fn filter() -> impl Strategy<Value = Value> {
    // Half of the fields are dates, because most operators are for dates.
    let fields = prop_oneof![select(DATES.to_vec()), select(OTHER_FIELDS.to_vec())];
    let operand = prop_oneof![
        3 => text().prop_map(Value::String),
        3 => (0_i64..40).prop_map(Value::from),
        1 => (0_i64..800).prop_map(Value::from),
        1 => (0_i64..20).prop_map(|number| Value::String(number.to_string())),
    ];
    // Leave out the operators that the emulator rejects.
    let emulated: Vec<_> = OPERATORS.into_iter().take_while(|operator| *operator != "$active").collect();
    let emulated: Vec<_> = emulated.into_iter().filter(|operator| !operator.ends_with("in_location")).collect();
    let operands = prop_oneof![
        8 => proptest::collection::vec(operand.clone(), 0..3),
        1 => proptest::collection::vec(operand, 5..12),
    ];
    let condition = (select(emulated), operands, any::<bool>()).prop_map(|(operator, operands, flag)| {
        let number = |operand: &Value, max: i64| json!(operand.as_i64().unwrap_or(3) % max + 1);
        let operands: Vec<Value> = match operator {
            "$today" | "$tomorrow" | "$yesterday" | "$has_value" | "$is_unknown" => vec![flag.into()],
            _ if operator.starts_with("$this") || operator.starts_with("$last") || operator.starts_with("$next") => {
                vec![flag.into()]
            }
            "$today_md" | "$tomorrow_md" | "$yesterday_md" => vec![flag.into()],
            "$is_day_of_month" => operands.iter().map(|operand| number(operand, 31)).collect(),
            "$is_month" => operands.iter().map(|operand| number(operand, 12)).collect(),
            "$is_day" => operands.iter().map(|operand| number(operand, 7)).collect(),
            _ if DAY_COUNT_OPERATORS.iter().any(|part| operator.contains(part)) => {
                operands.into_iter().filter(Value::is_i64).collect()
            }
            _ => operands,
        };
        (operator.to_owned(), json!(operands))
    });
    let field =
        (fields, proptest::collection::hash_map(any::<u8>(), condition, 1..3)).prop_map(|(field, conditions)| {
            let conditions: Map<_, _> = conditions.into_values().collect();
            (field.to_owned(), json!({"conditions": conditions}))
        });
    (select(vec!["and", "or"]), proptest::collection::vec(field, 0..4)).prop_map(|(junction, fields)| {
        let mut filter: Map<_, _> = fields.into_iter().collect();
        filter.insert("junction".to_owned(), junction.into());
        Value::Object(filter)
    })
}

#[test]
fn a_filter_selects_the_same_customers_in_rust_and_in_sql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let times =
        ["2024-03-15T12:00:00.0005Z", "2024-02-29T00:00:00Z", "2023-02-28T23:59:59.999Z", "2023-12-31T20:00:00Z"];
    let emulator = runtime.block_on(TestEmulator::at(times[0]));
    let mut runner =
        TestRunner::new(Config { cases: 60, max_shrink_iters: 200, failure_persistence: None, ..Config::default() });
    let cases =
        (proptest::collection::vec(customer(), 1..5), proptest::collection::vec(filter(), 60), select(times.to_vec()));
    // Matches, comparisons, and rejected filters.
    let counts = std::cell::Cell::new([0_usize; 3]);
    runner
        .run(&cases, |(new_customers, filters, now)| {
            let now: DateTime<Utc> = now.parse().unwrap();
            runtime.block_on(async {
                for customer in new_customers {
                    create(&emulator, now, customer).await;
                }
                emulator.clock.set(now);
                let mut connection = emulator.pool.acquire().await.unwrap();
                let project: i64 = sqlx::query_scalar("SELECT id FROM projects ORDER BY id LIMIT 1")
                    .fetch_one(&mut *connection)
                    .await
                    .unwrap();
                let customers = load_customers(&mut connection, ProjectId(project)).await;
                for json in filters {
                    let parsed =
                        Filter::parse(&json, JunctionRule::Required, |name| CustomerField::parse(name, defined_kind));
                    let [matched, all, rejected] = counts.get();
                    let Ok(filter) = parsed else {
                        counts.set([matched, all, rejected + 1]);
                        continue;
                    };
                    let by_rust: Vec<_> = customers
                        .iter()
                        .filter(|(_, values)| filter.matches_customer(values, now))
                        .map(|(id, _)| id.clone())
                        .collect();
                    let by_sql = by_sql(&mut connection, ProjectId(project), &filter, now).await;
                    counts.set([matched + by_rust.len(), all + customers.len(), rejected]);
                    if by_rust != by_sql {
                        return Err(TestCaseError::fail(format!(
                            "{json} at {now}: {by_rust:?} in Rust, {by_sql:?} in SQL"
                        )));
                    }
                }
                Ok(())
            })
        })
        .unwrap();
    // The comparison is worthless when most filters are rejected, or when they match all customers or none.
    let [matched, all, rejected] = counts.get();
    assert!(matched > all / 20 && matched < all - all / 20, "{matched} of {all} matched");
    assert!(rejected < 60 * 60 / 2, "{rejected} filters were rejected");
}

/// Creates the customer with its orders, events, update and state.
async fn create(emulator: &TestEmulator, now: DateTime<Utc>, customer: TestCustomer) {
    let client = emulator.client();
    emulator.clock.set(now + chrono::TimeDelta::minutes(customer.created_at));
    let id = client.customer(Value::Object(customer.body)).await;
    for amount in customer.paid_amounts {
        let order = json!({"status": "PAID", "amount": amount, "customer": {"id": id}});
        client.post("/v1/orders", order).await.expect(200);
    }
    for _ in 0..customer.events {
        client.post("/v1/events", json!({"event": "e", "customer": {"id": id}})).await.expect(200);
    }
    if customer.is_updated {
        client.put(&format!("/v1/customers/{id}"), json!({"description": "x"})).await.expect(200);
    }
    if let Some(state) = customer.state {
        client.put(&format!("/_emulator/customers/{id}/state"), state).await.expect(200);
    }
}

async fn load_customers(connection: &mut PgConnection, project: ProjectId) -> Vec<(String, CustomerValues)> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM customers WHERE project_id = $1 ORDER BY id")
        .bind(project.0)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let names = ["e".to_owned(), "none".to_owned()];
    let mut counts = db::events::count_by_name(connection, project, &ids, &names).await.unwrap();
    let mut customers: Vec<_> = db::customers::find_all(connection, project, &ids)
        .await
        .unwrap()
        .into_iter()
        .map(|customer| {
            (customer.id.clone(), CustomerValues::of(&customer, counts.remove(&customer.id).unwrap_or_default()))
        })
        .collect();
    customers.sort_by(|(one, _), (other, _)| one.cmp(other));
    customers
}

async fn by_sql(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &Filter<CustomerField>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("SET LOCAL timezone = 'UTC'").execute(&mut *transaction).await.unwrap();
    let mut query = QueryBuilder::<Postgres>::new("SELECT c.id FROM customers c WHERE c.project_id = ");
    query.push_bind(project.0).push(" AND ");
    db::filter::push_customer_filter(&mut query, project, filter, now);
    query.push(" ORDER BY c.id");
    query.build_query_scalar().fetch_all(&mut *transaction).await.unwrap()
}

/// A filter that depends on the current time, over every kind of field that stores a time.
fn timed_filter() -> impl Strategy<Value = Value> {
    let operators: Vec<_> = OPERATORS
        .into_iter()
        .filter(|name| {
            name.ends_with("_md")
                || DAY_COUNT_OPERATORS[..2].iter().any(|part| name.contains(part))
                || ["$this", "$last", "$next", "$today", "$tomo", "$yest", "$more_than", "$less_than"]
                    .iter()
                    .any(|start| name.starts_with(start))
        })
        .collect();
    let condition = (select(operators), 0_i64..400, any::<bool>()).prop_map(|(operator, days, flag)| {
        let takes_days = operator.contains("_ago") || operator.contains("_future") || operator.contains("_than");
        (operator.to_owned(), if takes_days { json!([days]) } else { json!([flag]) })
    });
    let field = (select(DATES.to_vec()), proptest::collection::vec(condition, 1..3)).prop_map(|(field, conditions)| {
        (field.to_owned(), json!({"conditions": conditions.into_iter().collect::<Map<_, _>>()}))
    });
    (select(vec!["and", "or"]), proptest::collection::vec(field, 1..3)).prop_map(|(junction, fields)| {
        let mut filter: Map<_, _> = fields.into_iter().collect();
        filter.insert("junction".to_owned(), junction.into());
        Value::Object(filter)
    })
}

#[test]
fn stored_segment_members_change_with_the_time_as_the_filter_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 5, max_shrink_iters: 0, failure_persistence: None, ..Config::default() });
    let cases = (
        proptest::collection::vec(customer(), 12),
        proptest::collection::vec(timed_filter(), 25),
        // By how many minutes the clock moves: some moves are within two days, some over months.
        proptest::collection::vec(prop_oneof![1_i64..3_000, 1_i64..300_000], 8),
    );
    runner
        .run(&cases, |(new_customers, filters, clock_moves)| {
            runtime.block_on(async {
                let mut now: DateTime<Utc> = "2024-02-27T12:00:00Z".parse().unwrap();
                let emulator = TestEmulator::at("2024-02-27T12:00:00Z").await;
                let client = emulator.client();
                let definition = |kind: &str| json!({"type": kind, "optional": true, "array": false});
                // Each customer is created later than the one before, because this test never moves the clock back.
                let mut new_customers = new_customers.into_iter();
                for mut customer in new_customers.by_ref().take(6) {
                    now += chrono::TimeDelta::minutes(std::mem::take(&mut customer.created_at).abs() / 5);
                    create(&emulator, now, customer).await;
                }
                emulator.clock.set(now);
                let schema = json!({"related_object": "customer", "properties": {"moment": definition("datetime"), "day": definition("date")}});
                client.post("/v1/metadata-schemas", schema).await.expect(200);
                let mut segments = Vec::new();
                for filter in filters {
                    let kind = if segments.len() % 2 == 0 { "passive" } else { "auto-update" };
                    let body = json!({"name": "S", "type": kind, "filter": filter});
                    segments.push((client.post("/v1/segments", body).await.expect(200).string("/id"), filter));
                }
                for minutes in clock_moves {
                    // Create the other customers between the comparisons. Without their metadata they fit the schema.
                    if let Some(mut customer) = new_customers.next() {
                        customer.body.remove("metadata");
                        now += chrono::TimeDelta::minutes(std::mem::take(&mut customer.created_at).abs() / 5);
                        create(&emulator, now, customer).await;
                    }
                    now += chrono::TimeDelta::minutes(minutes);
                    emulator.clock.set(now);
                    let ids = client.get("/v1/customers?limit=100").await.column("customers", "id");
                    let mut segments_of = HashMap::new();
                    for id in &ids {
                        let own_segments = client.get(&format!("/v1/customers/{id}/segments")).await.column("data", "id");
                        segments_of.insert(id.clone(), own_segments);
                    }
                    for (segment, filter) in &segments {
                        let listed = client.get(&format!("/v1/customers?limit=100&segment_id={segment}")).await;
                        let mut members = listed.column("customers", "id");
                        members.sort();
                        let mut expected: Vec<_> =
                            ids.iter().filter(|id| segments_of[*id].contains(segment)).cloned().collect();
                        expected.sort();
                        if members != expected || listed.json()["total"] != members.len() {
                            return Err(TestCaseError::fail(format!("{filter} at {now}: {members:?} instead of {expected:?}")));
                        }
                    }
                }
                Ok(())
            })
        })
        .unwrap();
}
