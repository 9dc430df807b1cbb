//! Tests each filter operator with values on both sides of its boundary, at noon of Friday, 15 March 2024.

use serde_json::{Value, json};

use crate::support::{Client, TestEmulator};

const NOW: &str = "2024-03-15T12:00:00Z";

/// Creates a customer `name` whose birthdate is `date`.
async fn create_customer_with_birthdate(client: &Client, name: &str, date: &str) {
    client.customer(json!({"source_id": name, "birthdate": date})).await;
}

/// Returns the sorted source ids of the customers that match the filter. Checks that segments of both kinds, the
/// segments of each customer and the list of customers agree.
async fn members(client: &Client, filter: &Value) -> String {
    let mut found = Vec::new();
    for kind in ["passive", "auto-update"] {
        let segment =
            client.post("/v1/segments", json!({"name": "S", "type": kind, "filter": filter})).await.expect(200);
        assert_eq!(segment.json()["filter"], *filter);
        let id = segment.string("/id");
        let listed = client.get(&format!("/v1/customers?segment_id={id}&limit=100")).await.expect(200);
        let mut names = listed.column("customers", "source_id");
        names.sort();
        assert_eq!(listed.json()["total"], names.len(), "{}", listed.text);
        // The segments of each customer must contain the segment exactly when the customer is listed as its member.
        let all_names = client.get("/v1/customers?limit=100").await.column("customers", "source_id");
        for name in all_names {
            let segments = client.get(&format!("/v1/customers/{name}/segments")).await.column("data", "id");
            assert_eq!(segments.contains(&id), names.contains(&name), "{name} in {filter}");
        }
        client.delete(&format!("/v1/segments/{id}")).await.expect(204);
        found.push(names.join(" "));
    }
    let query = query(filter);
    let mut names =
        client.get(&format!("/v1/customers?limit=100&{query}")).await.expect(200).column("customers", "source_id");
    names.sort();
    found.push(names.join(" "));
    assert!(found.iter().all(|names| *names == found[0]), "{filter}: {found:?}");
    found.remove(0)
}

/// Returns the filter as query parameters.
fn query(filter: &Value) -> String {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    for (field, conditions) in filter.as_object().unwrap() {
        let Some(conditions) = conditions.get("conditions") else {
            parameters.append_pair(&format!("filters[{field}]"), conditions.as_str().unwrap());
            continue;
        };
        for (operator, operand) in conditions.as_object().unwrap() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let name = format!("filters[{field}][conditions][{operator}]");
            match operand {
                Value::Array(values) => {
                    for (index, value) in values.iter().enumerate() {
                        parameters.append_pair(&format!("{name}[{index}]"), &text(value));
                    }
                }
                scalar => {
                    parameters.append_pair(&name, &text(scalar));
                }
            }
        }
    }
    parameters.finish()
}

fn filter(field: &str, operator: &str, operand: &Value) -> Value {
    json!({"junction": "and", field: {"conditions": {operator: operand}}})
}

#[tokio::test]
async fn text_operators() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, city) in [("a", "Berlin"), ("b", "berlin"), ("c", "Bern"), ("d", "Ąber")] {
        client.customer(json!({"source_id": name, "address": {"city": city, "country": "X"}})).await;
    }
    client.customer(json!({"source_id": "n"})).await;
    for (operator, operand, expected) in [
        ("$is", json!(["Berlin"]), "a"),
        ("$is", json!("Berlin"), "a"),
        ("$in", json!(["Berlin", "Bern"]), "a c"),
        ("$is_not", json!(["Berlin"]), "b c d n"),
        ("$not_in", json!(["Berlin", "Bern"]), "b d n"),
        ("$has_value", json!(true), "a b c d"),
        ("$has_value", json!([true]), "a b c d"),
        ("$has_value", json!(""), "a b c d"),
        ("$has_value", json!(false), "n"),
        ("$is_unknown", json!(true), "n"),
        ("$is_unknown", json!(["false"]), "a b c d"),
        ("$contains", json!(["er"]), "a b c d"),
        ("$contains", json!(["Ber", "ber"]), "a b c d"),
        ("$contains", json!(["lin"]), "a b"),
        ("$not_contain", json!(["lin"]), "c d n"),
        ("$starts_with", json!(["Be"]), "a c"),
        ("$ends_with", json!(["n"]), "a b c"),
        ("$ends_with", json!(["ber"]), "d"),
        ("$more_than", json!(["Bern"]), "b d"),
        ("$more_than_equal", json!(["Bern"]), "b c d"),
        ("$less_than", json!(["Bern"]), "a"),
        ("$less_than_equal", json!(["Bern"]), "a c"),
        // Date operators match no text field.
        ("$today", json!([true]), ""),
    ] {
        assert_eq!(
            members(&client, &filter("address.city", operator, &operand)).await,
            expected,
            "{operator} {operand}"
        );
    }
}

#[tokio::test]
async fn number_operators() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, amounts) in [("none", &[][..]), ("nine", &[9]), ("ten", &[4, 6]), ("hundred", &[100])] {
        client.customer(json!({"source_id": name})).await;
        for amount in amounts {
            let order = json!({"status": "PAID", "amount": amount, "customer": {"source_id": name}});
            client.post("/v1/orders", order).await.expect(200);
        }
    }
    let rows: [(&str, &str, Value, &str); 16] = [
        ("total_amount", "$is", json!([10]), "ten"),
        ("total_amount", "$is", json!(["10", "9"]), "nine ten"),
        ("total_amount", "$is_not", json!(["10"]), "hundred nine none"),
        ("total_amount", "$in", json!([9, 100]), "hundred nine"),
        ("total_amount", "$not_in", json!([9, 100]), "none ten"),
        ("total_amount", "$more_than", json!(["9"]), "hundred ten"),
        ("total_amount", "$more_than_equal", json!([9]), "hundred nine ten"),
        ("total_amount", "$less_than", json!([9.5]), "nine none"),
        ("total_amount", "$less_than_equal", json!(["10"]), "nine none ten"),
        ("total_amount", "$has_value", json!(true), "hundred nine none ten"),
        ("total_amount", "$contains", json!(["00"]), "hundred"),
        ("total_count", "$is", json!([2]), "ten"),
        ("average_amount", "$is", json!([5]), "ten"),
        ("last_order_amount", "$more_than", json!([5]), "hundred nine ten"),
        ("last_order_date", "$has_value", json!(true), "hundred nine ten"),
        ("last_order_date", "$less_than", json!([30]), "hundred nine ten"),
    ];
    for (field, operator, operand, expected) in rows {
        let filter = filter(&format!("summary.orders.{field}"), operator, &operand);
        assert_eq!(members(&client, &filter).await, expected, "{field} {operator} {operand}");
    }
}

#[tokio::test]
async fn date_operators() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, date) in [
        ("a-last-year", "2023-03-15"),
        ("b-february", "2024-02-29"),
        ("c-monday", "2024-03-11"),
        ("d-yesterday", "2024-03-14"),
        ("e-today", "2024-03-15"),
        ("f-tomorrow", "2024-03-16"),
        ("g-next-week", "2024-03-18"),
        ("h-next-month", "2024-04-30"),
        ("i-next-year", "2025-01-01"),
    ] {
        create_customer_with_birthdate(&client, name, date).await;
    }
    client.customer(json!({"source_id": "n"})).await;
    create_customer_with_birthdate(&client, "last-week", "2024-03-10").await;
    let rows: &[(&str, Value, &str)] = &[
        ("$today", json!([true]), "e-today"),
        ("$tomorrow", json!([true]), "f-tomorrow"),
        ("$yesterday", json!([true]), "d-yesterday"),
        ("$this_week", json!([true]), "c-monday d-yesterday e-today f-tomorrow"),
        ("$last_week", json!(true), "last-week"),
        ("$next_week", json!([true]), "g-next-week"),
        ("$this_month", json!([true]), "c-monday d-yesterday e-today f-tomorrow g-next-week last-week"),
        ("$last_month", json!([true]), "b-february"),
        ("$next_month", json!([true]), "h-next-month"),
        ("$last_year", json!([true]), "a-last-year"),
        ("$next_year", json!([true]), "i-next-year"),
        ("$this_year", json!([false]), "a-last-year i-next-year n"),
        ("$is_day_of_month", json!([15, "29"]), "a-last-year b-february e-today"),
        ("$is_day", json!([1]), "c-monday g-next-week"),
        ("$is_day", json!(["0"]), "last-week"),
        ("$is_day", json!([7]), "last-week"),
        ("$is_month", json!([2, 4]), "b-february h-next-month"),
        ("$is_year", json!([2023]), "a-last-year"),
        ("$is", json!(["2024-03-15"]), "e-today"),
        (
            "$is_not",
            json!(["2024-03-15"]),
            "a-last-year b-february c-monday d-yesterday f-tomorrow g-next-week h-next-month i-next-year last-week n",
        ),
        ("$after", json!(["2024-04-30"]), "i-next-year"),
        ("$before", json!(["2024-02-29"]), "a-last-year"),
        ("$is_days_ago", json!([1]), "d-yesterday"),
        ("$is_days_ago", json!([0, 4]), "c-monday e-today"),
        ("$is_days_in_future", json!([3]), "g-next-week"),
        ("$is_years_ago", json!([1]), "a-last-year"),
        ("$more_than_ago", json!([5]), "a-last-year b-february"),
        ("$more_than", json!([4]), "a-last-year b-february last-week"),
        ("$more_than_equal", json!([5]), "a-last-year b-february last-week"),
        ("$less_than_ago", json!([4]), "d-yesterday e-today"),
        ("$less_than", json!([4]), "d-yesterday e-today"),
        ("$less_than_equal", json!([4]), "c-monday d-yesterday e-today"),
        ("$more_than_future", json!([3]), "h-next-month i-next-year"),
        ("$less_than_future", json!([3]), "e-today f-tomorrow"),
        ("$starts_with", json!(["2024-03-1"]), "c-monday d-yesterday e-today f-tomorrow g-next-week last-week"),
        ("$is_unknown", json!([true]), "n"),
    ];
    for (operator, operand, expected) in rows {
        assert_eq!(members(&client, &filter("birthdate", operator, operand)).await, *expected, "{operator} {operand}");
    }
}

#[tokio::test]
async fn anniversary_operators() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, date) in [
        ("a-february", "1980-02-29"),
        ("b-monday", "1981-03-11"),
        ("c-yesterday", "1982-03-14"),
        ("d-today", "1983-03-15"),
        ("e-tomorrow", "1984-03-16"),
        ("f-next-week", "1985-03-20"),
        ("g-april", "1986-04-30"),
        ("h-december", "1987-12-31"),
        ("i-last-week", "1988-03-05"),
    ] {
        create_customer_with_birthdate(&client, name, date).await;
    }
    client.customer(json!({"source_id": "n"})).await;
    let rows: &[(&str, Value, &str)] = &[
        ("$today_md", json!([true]), "d-today"),
        ("$tomorrow_md", json!([true]), "e-tomorrow"),
        ("$yesterday_md", json!([true]), "c-yesterday"),
        ("$this_week_md", json!([true]), "b-monday c-yesterday d-today e-tomorrow"),
        ("$last_week_md", json!([true]), "i-last-week"),
        ("$next_week_md", json!([true]), "f-next-week"),
        ("$this_month_md", json!([true]), "b-monday c-yesterday d-today e-tomorrow f-next-week i-last-week"),
        ("$last_month_md", json!([true]), "a-february"),
        ("$next_month_md", json!([true]), "g-april"),
        ("$is_days_ago_md", json!([4, 15]), "a-february b-monday"),
        ("$is_days_in_future_md", json!([5]), "f-next-week"),
        ("$is_less_days_ago_md", json!([2]), "c-yesterday d-today"),
        ("$is_more_days_ago_md", json!([10]), "a-february e-tomorrow f-next-week g-april h-december"),
        ("$is_less_days_in_future_md", json!([2]), "d-today e-tomorrow"),
        ("$is_more_days_in_future_md", json!([46]), "a-february b-monday c-yesterday h-december i-last-week"),
    ];
    for (operator, operand, expected) in rows {
        assert_eq!(members(&client, &filter("birthdate", operator, operand)).await, *expected, "{operator} {operand}");
    }
    // A birthday on 29 February is on 28 February in years that are not leap years.
    for (now, expected) in
        [("2023-02-28T05:00:00Z", "a-february"), ("2024-02-28T05:00:00Z", ""), ("2023-03-01T05:00:00Z", "")]
    {
        emulator.clock.set(now.parse().unwrap());
        assert_eq!(members(&client, &filter("birthdate", "$today_md", &json!([true]))).await, expected, "{now}");
    }
}

#[tokio::test]
async fn datetime_operators() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, created_at) in [
        ("a", "2024-02-14T12:00:00.000Z"),
        ("b", "2024-02-14T12:00:00.001Z"),
        ("c", "2024-03-14T12:00:00Z"),
        ("d", "2024-03-15T00:00:00Z"),
        ("e", "2024-03-15T12:00:00Z"),
    ] {
        emulator.clock.set(created_at.parse().unwrap());
        client.customer(json!({"source_id": name})).await;
    }
    emulator.clock.set(NOW.parse().unwrap());
    let rows: &[(&str, Value, &str)] = &[
        ("$after", json!(["2024-02-14T12:00:00.000Z"]), "b c d e"),
        ("$after", json!(["2024-03-15"]), "e"),
        ("$before", json!(["2024-02-14T12:00:00.001Z"]), "a"),
        ("$is", json!(["2024-02-14T12:00:00.001Z"]), "b"),
        ("$is", json!(["2024-02-14"]), "a b"),
        // A time exactly thirty days before now is neither more nor less than thirty days ago.
        ("$more_than_ago", json!([30]), ""),
        ("$more_than", json!([30]), ""),
        ("$more_than_equal", json!([30]), "a"),
        ("$less_than_ago", json!([30]), "b c d e"),
        ("$less_than", json!(["30"]), "b c d e"),
        ("$less_than_equal", json!([30]), "a b c d e"),
        ("$less_than_ago", json!([1]), "d e"),
        ("$today", json!([true]), "d e"),
        ("$is_days_ago", json!([30]), "a b"),
        ("$last_month", json!([true]), "a b"),
        ("$more_than_future", json!([0]), ""),
        ("$less_than_future", json!([1]), "e"),
        ("$contains", json!(["T12:00:00.001Z"]), "b"),
    ];
    for (operator, operand, expected) in rows {
        assert_eq!(members(&client, &filter("created_at", operator, operand)).await, *expected, "{operator} {operand}");
    }
    client.put("/v1/customers/b", json!({"phone": "1"})).await.expect(200);
    assert_eq!(members(&client, &filter("updated_at", "$has_value", &json!(true))).await, "b");
    assert_eq!(members(&client, &filter("updated_at", "$today", &json!(true))).await, "b");
}

#[tokio::test]
async fn array_operators_on_metadata_without_schema() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, value) in [
        ("a", json!(["Nike", "Puma"])),
        ("b", json!(["Nike"])),
        ("c", json!("Nike")),
        ("d", json!([])),
        ("e", json!(9)),
        ("f", json!([10, "11", null])),
        ("g", Value::Null),
        ("h", json!({"x": 1})),
        ("i", json!(true)),
    ] {
        client.customer(json!({"source_id": name, "metadata": {"brand.x y": value}})).await;
    }
    client.customer(json!({"source_id": "n"})).await;
    let rows: &[(&str, Value, &str)] = &[
        ("$is", json!(["Nike"]), "a b c"),
        ("$is_not", json!(["Nike"]), "d e f g h i n"),
        ("$in", json!(["Puma", "9"]), "a e"),
        ("$not_in", json!(["Puma", 9, true]), "b c d f g h n"),
        ("$contains", json!(["um"]), "a"),
        ("$not_contain", json!(["ik"]), "d e f g h i n"),
        ("$count", json!([2]), "a f"),
        ("$count", json!([0]), "d g n"),
        ("$count_less", json!([1]), "d g n"),
        ("$count_more", json!(["1"]), "a f"),
        ("$has_value", json!(true), "a b c e f h i"),
        ("$is_unknown", json!(true), "d g n"),
        // The values compare as text, so 9 is more than 10.
        ("$more_than", json!([10]), "a b c e f h i"),
        ("$less_than", json!(["11"]), "f"),
        ("$after", json!(["9"]), "a b c h i"),
        ("$is_year", json!([2024]), ""),
    ];
    for (operator, operand, expected) in rows {
        let filter = filter("metadata.brand.x y", operator, operand);
        assert_eq!(members(&client, &filter).await, *expected, "{operator} {operand}");
    }
}

#[tokio::test]
async fn all_fields_can_be_filtered_by() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    let body = json!({
        "source_id": "a", "name": "A", "email": "a@x.io", "phone": "+1", "description": "d",
        "birthdate": "1990-01-01", "birthday": "1990-01-02",
        "address": {"city": "c", "state": "s", "line_1": "1", "line_2": "2", "country": "o", "postal_code": "p"},
        "metadata": {"k": "v"},
    });
    let id = client.customer(body).await;
    client.post("/v1/orders", json!({"status": "PAID", "amount": 7, "customer": {"id": id}})).await.expect(200);
    client.post("/v1/events", json!({"event": "sign.up", "customer": {"id": id}})).await.expect(200);
    client.put("/v1/customers/a", json!({"name": "A"})).await.expect(200);
    let state = json!({
        "summary": {"redemptions": {
            "total_redeemed": 1, "total_failed": 2, "total_succeeded": 3, "total_rolled_back": 4, "total_rollback_failed": 5,
            "total_rollback_succeeded": 6, "gift": {"redeemed_amount": 7, "amount_to_go": 8},
            "loyalty_card": {"redeemed_points": 9, "points_to_go": 10}}},
        "loyalty": {"points": 11, "referred_customers": 12, "campaigns": {"My Campaign": {"points": 13}}},
    });
    client.put("/_emulator/customers/a/state", state).await.expect(200);
    client.customer(json!({"source_id": "other"})).await;
    let rows: &[(&str, &str, Value)] = &[
        ("id", "$is", json!(id)),
        ("source_id", "$is", json!("a")),
        ("name", "$is", json!("A")),
        ("email", "$is", json!("a@x.io")),
        ("phone", "$is", json!("+1")),
        ("description", "$is", json!("d")),
        ("birthdate", "$is", json!("1990-01-01")),
        ("birthday", "$is", json!("1990-01-02")),
        ("updated_at", "$has_value", json!("")),
        ("address.city", "$is", json!("c")),
        ("address.state", "$is", json!("s")),
        ("address.line_1", "$is", json!("1")),
        ("address.line_2", "$is", json!("2")),
        ("address.country", "$is", json!("o")),
        ("address.postal_code", "$is", json!("p")),
        ("metadata.k", "$is", json!("v")),
        ("summary.orders.total_amount", "$is", json!(7)),
        ("summary.orders.total_count", "$is", json!(1)),
        ("summary.orders.average_amount", "$is", json!(7)),
        ("summary.orders.last_order_amount", "$is", json!(7)),
        ("summary.orders.last_order_date", "$today", json!(true)),
        ("events.sign.up.count", "$is", json!(1)),
        ("summary.redemptions.total_redeemed", "$is", json!(1)),
        ("summary.redemptions.total_failed", "$is", json!(2)),
        ("summary.redemptions.total_succeeded", "$is", json!(3)),
        ("summary.redemptions.total_rolled_back", "$is", json!(4)),
        ("summary.redemptions.total_rollback_failed", "$is", json!(5)),
        ("summary.redemptions.total_rollback_succeeded", "$is", json!(6)),
        ("summary.redemptions.gift.redeemed_amount", "$is", json!(7)),
        ("summary.redemptions.gift.amount_to_go", "$is", json!(8)),
        ("summary.redemptions.loyalty_card.redeemed_points", "$is", json!(9)),
        ("summary.redemptions.loyalty_card.points_to_go", "$is", json!(10)),
        ("loyalty.points", "$is", json!(11)),
        ("loyalty.referred_customers", "$is", json!(12)),
        ("loyalty_points.campaigns.My Campaign.points", "$more_than_equal", json!([13])),
    ];
    for (field, operator, operand) in rows {
        assert_eq!(members(&client, &filter(field, operator, operand)).await, "a", "{field}");
    }
    for field in ["created_at", "loyalty.points", "events.none.count", "summary.redemptions.total_redeemed"] {
        assert_eq!(members(&client, &filter(field, "$has_value", &json!(true))).await, "a other", "{field}");
    }
    let unset = ["system_metadata.source", "system_metadata.web_widget.widgets", "system_metadata.x", "publications.x"];
    for field in unset.into_iter().chain(["loyalty_tier.x"]) {
        assert_eq!(members(&client, &filter(field, "$is_unknown", &json!(true))).await, "a other", "{field}");
    }
}

#[tokio::test]
async fn fields_are_combined_by_junction_and_all_conditions_of_field_must_match() {
    let emulator = TestEmulator::at(NOW).await;
    let client = emulator.client();
    for (name, city) in [("a", "Berlin"), ("b", "Bern"), ("ab", "Bern")] {
        client.customer(json!({"source_id": name, "name": name, "address": {"city": city}})).await;
    }
    for (filter, expected) in [
        (json!({"junction": "and"}), "a ab b"),
        (json!({"junction": "or"}), "a ab b"),
        (
            json!({"junction": "and", "name": {"conditions": {"$contains": ["a"]}}, "address.city": {"conditions": {"$is": "Bern"}}}),
            "ab",
        ),
        (
            json!({"junction": "or", "name": {"conditions": {"$is": ["a"]}}, "address.city": {"conditions": {"$is": "Bern"}}}),
            "a ab b",
        ),
        (json!({"junction": "or", "name": {"conditions": {"$contains": ["a"], "$is_not": ["a"]}}}), "ab"),
        (json!({"junction": "and", "name": {"conditions": {}}}), "a ab b"),
    ] {
        if filter["name"]["conditions"].as_object().is_some_and(serde_json::Map::is_empty) {
            // A query string cannot contain a field without conditions.
            let segment = json!({"name": "S", "type": "passive", "filter": filter});
            client.post("/v1/segments", segment).await.expect(200);
            continue;
        }
        assert_eq!(members(&client, &filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn invalid_filter_returns_400_with_path() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let junction = "Property .filter has wrong `junction` property. It must be one of: and, or";
    for (filter, details) in [
        (Value::Null, junction),
        (json!({}), junction),
        (json!({"junction": "xor"}), junction),
        (json!({"junction": "AND"}), junction),
        (json!({"junction": "Or"}), junction),
        (json!([]), "Property .filter must be object"),
        (
            json!({"junction": "and", "shoe_size": {"conditions": {}}}),
            "Property .filter.shoe_size is not a field that can be filtered by",
        ),
        (
            json!({"junction": "and", "address.x": {"conditions": {}}}),
            "Property .filter.address.x is not a field that can be filtered by",
        ),
        (
            json!({"junction": "and", "created_at": {"conditions": {"$after": ["2024-01-01", "soon"]}}}),
            "Property .filter.created_at.conditions.$after.1 cannot be recognized as a ISO-8601 compliant date",
        ),
        (
            json!({"junction": "and", "loyalty.points": {"conditions": {"$is": "many"}}}),
            "Property .filter.loyalty.points.conditions.$is must be number",
        ),
        (
            json!({"junction": "and", "birthdate": {"conditions": {"$is_month": [13]}}}),
            "Property .filter.birthdate.conditions.$is_month.0 cannot be higher than 12",
        ),
        (
            json!({"junction": "and", "birthdate": {"conditions": {"$is_days_ago": [-1]}}}),
            "Property .filter.birthdate.conditions.$is_days_ago.0 cannot be lower than 0",
        ),
        (
            json!({"junction": "and", "birthdate": {"conditions": {"$is_days_ago": [100_001]}}}),
            "Property .filter.birthdate.conditions.$is_days_ago.0 cannot be higher than 100000",
        ),
        (
            json!({"junction": "and", "birthdate": {"conditions": {"$is_years_ago": [1.5]}}}),
            "Property .filter.birthdate.conditions.$is_years_ago.0 must be integer",
        ),
        (
            json!({"junction": "and", "birthdate": {"conditions": {"$today": [1]}}}),
            "Property .filter.birthdate.conditions.$today.0 must be boolean",
        ),
        (
            json!({"junction": "and", "name": {"conditions": {"$is": [{}]}}}),
            "Property .filter.name.conditions.$is.0 must be string",
        ),
        (
            json!({"junction": "and", "name": {"conditions": {"$is": ["\0"]}}}),
            "Property .filter.name.conditions.$is[0] must NOT contain the character U+0000",
        ),
        (
            json!({"junction": "and", "name": {"conditions": {"$is": vec!["x"; 1_001]}}}),
            "Property .filter.name must NOT be followed by more than 1000 values in all",
        ),
    ] {
        let body = json!({"name": "S", "type": "auto-update", "filter": filter});
        assert_eq!(client.post("/v1/segments", body).await.expect(400).string("/details"), details);
    }
    let format_error = "Property .filter should match either `filters[${field}][conditions][${condition}][${index}]` or \
        `filters[${field}][conditions][${condition}]` format and condition must be one of: $in, $not_in, $in_location";
    for invalid in
        [json!({"conditions": {"$like": ["x"]}}), json!(["x"]), json!({"conditions": []}), json!({"$is": "x"})]
    {
        let body = json!({"name": "S", "type": "passive", "filter": {"junction": "and", "name": invalid}});
        let details = client.post("/v1/segments", body).await.expect(400).string("/details");
        assert!(details.starts_with(format_error) && details.ends_with("$redeemed, $redeemable"), "{details}");
    }
    for operator in ["$in_location", "$redeemable"] {
        let filter = filter("address.city", operator, &json!(["x"]));
        let error =
            client.post("/v1/segments", json!({"name": "S", "type": "passive", "filter": filter})).await.expect(501);
        assert_eq!(error.string("/details"), format!("The operator {operator} is not emulated"));
    }
    for query in [
        "filters=x",
        "filters[name]=x",
        "filters[name][conditions]=x",
        "filters[name][conditions][$is][x]=y",
        "filters[name][conditions][$like]=x",
    ] {
        let error = client.get(&format!("/v1/customers?{query}")).await.expect(400);
        assert_eq!(error.string("/key"), "invalid_query_params");
        assert!(error.string("/details").starts_with("Property .filters should match"), "{}", error.text);
    }
    let error = client.get("/v1/customers?filters[junction]=xor&filters[name][conditions][$is]=x").await.expect(400);
    assert_eq!(error.string("/details"), junction.replace(".filter", ".filters"));
}
