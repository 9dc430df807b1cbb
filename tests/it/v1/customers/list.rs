use serde_json::json;
use sqlx::Row;
use voucherify_emulator::domain::project::ProjectId;

use crate::support::{Client, TestEmulator, TestProject};

/// Creates customers with the source ids a, b, c, ..., one second apart.
async fn create_customers(emulator: &TestEmulator, count: u8) -> Client {
    let client = emulator.client();
    for index in 0..count {
        emulator.clock.set(format!("2024-01-01T00:00:{index:02}Z").parse().unwrap());
        let name = char::from(b'a' + index).to_string();
        client.customer(json!({"source_id": name, "name": name})).await;
    }
    client
}

async fn list_source_ids(client: &Client, query: &str) -> String {
    client.get(&format!("/v1/customers?{query}")).await.expect(200).column("customers", "source_id").join("")
}

/// Scrolls from `start` to the end in pages of `limit` and returns the source ids. Checks that the cursor does not
/// change the total.
async fn scroll(client: &Client, limit: usize, order: &str, start: &str) -> String {
    let total = client.get("/v1/customers").await.json()["total"].clone();
    let (mut cursor, mut seen) = (start.to_owned(), String::new());
    loop {
        let query = format!("/v1/customers?limit={limit}{order}&starting_after={cursor}");
        let answer = client.get(&query).await.expect(200);
        assert_eq!(answer.json()["total"], total);
        seen += &answer.column("customers", "source_id").join("");
        if answer.json()["has_more"] == false {
            return seen;
        }
        cursor = answer.column("customers", "created_at").pop().unwrap();
    }
}

#[tokio::test]
async fn customers_are_listed_newest_first_with_total_and_has_more() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 3).await;
    let answer = client.get("/v1/customers?limit=2").await.expect(200);
    assert!(answer.text.starts_with(r#"{"object":"list","data_ref":"customers","customers":[{"id":"cust_"#));
    assert!(answer.text.ends_with(r#""object":"customer"}],"total":3,"has_more":true}"#));
    assert!(!answer.text.contains("assets"));
    assert_eq!(answer.column("customers", "source_id"), ["c", "b"]);
    let rest = client.get("/v1/customers?limit=2&page=2").await.expect(200);
    assert!(rest.text.ends_with(r#""total":3,"has_more":false}"#));
    assert_eq!(rest.column("customers", "source_id"), ["a"]);
}

#[tokio::test]
async fn empty_project_and_page_past_end_return_empty_list() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let empty = emulator.other_project().get("/v1/customers").await.expect(200);
    assert_eq!(empty.text, r#"{"object":"list","data_ref":"customers","customers":[],"total":0,"has_more":false}"#);
    let client = create_customers(&emulator, 3).await;
    let past = client.get("/v1/customers?page=99").await.expect(200);
    assert_eq!(past.text, r#"{"object":"list","data_ref":"customers","customers":[],"total":3,"has_more":false}"#);
}

#[tokio::test]
async fn default_limit_is_ten() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 12).await;
    assert_eq!(list_source_ids(&client, "").await, "lkjihgfedc");
    assert_eq!(list_source_ids(&client, "limit=100").await, "lkjihgfedcba");
}

#[tokio::test]
async fn list_is_sorted_by_each_order() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 4).await;
    for (second, name) in [(10, "b"), (11, "a")] {
        emulator.clock.set(format!("2024-01-01T00:00:{second}Z").parse().unwrap());
        client.put(&format!("/v1/customers/{name}"), json!({"phone": "1"})).await.expect(200);
    }
    for (order, expected) in [
        ("created_at", "abcd"),
        ("-created_at", "dcba"),
        ("source_id", "abcd"),
        ("-source_id", "dcba"),
        ("-updated_at", "ab"),
    ] {
        let sorted = list_source_ids(&client, &format!("order={order}")).await;
        assert!(sorted.starts_with(expected), "{order}: {sorted}");
    }
    assert_eq!(
        list_source_ids(&client, "order=updated_at").await,
        "cdba",
        "customers without updated_at are sorted by created_at"
    );
    assert_eq!(
        list_source_ids(&client, "order=-updated_at&starting_after=2200-01-01").await,
        "abdc",
        "starting_after includes customers without updated_at"
    );
    assert_eq!(list_source_ids(&client, "order=updated_at&starting_after=2024-01-01T00:00:03Z").await, "ba");
}

#[tokio::test]
async fn equality_filters_match_exactly_and_combine() {
    let project = TestProject::new();
    let client = project.client();
    for (source_id, name, email, city) in
        [("1", "Ann", "ann@x.y", "Berlin"), ("2", "Ann", "ann2@x.y", "Bern"), ("3", "ann", "ann@x.y", "Berlin")]
    {
        client.customer(json!({"source_id": source_id, "name": name, "email": email, "address": {"city": city}})).await;
    }
    for (query, expected) in [
        ("name=Ann", "21"),
        ("email=ann%40x.y", "31"),
        ("city=Berlin", "31"),
        ("city=Berlin&name=Ann", "1"),
        ("name=An", ""),
        ("email=none", ""),
    ] {
        let answer = client.get(&format!("/v1/customers?{query}")).await.expect(200);
        assert_eq!(answer.column("customers", "source_id").join(""), expected, "{query}");
        assert_eq!(answer.json()["total"], expected.len(), "{query}");
    }
    let page = client.get("/v1/customers?name=Ann&limit=1&page=2").await.json();
    assert_eq!((&page["total"], &page["has_more"]), (&json!(2), &json!(false)), "the total of a later page");
}

#[tokio::test]
async fn time_ranges_exclude_their_boundaries() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 4).await;
    for (query, expected) in [
        ("created_at[after]=2024-01-01T00:00:01.000Z", "dc"),
        ("created_at%5Bbefore%5D=2024-01-01T00:00:02.000Z", "ba"),
        ("created_at[after]=2024-01-01T00:00:00Z&created_at[before]=2024-01-01T00:00:03Z", "cb"),
        ("created_at[after]=2024-01-01", "dcb"),
        ("created_at[before]=2024-01-01", ""),
        ("updated_at[after]=2020-01-01", ""),
    ] {
        assert_eq!(list_source_ids(&client, query).await, expected, "{query}");
    }
    emulator.clock.set("2024-01-02T00:00:00.000900Z".parse().unwrap());
    client.put("/v1/customers/b", json!({"name": "B"})).await.expect(200);
    assert_eq!(list_source_ids(&client, "updated_at[after]=2024-01-01T23:59:59Z").await, "b");
    assert_eq!(
        list_source_ids(&client, "updated_at[after]=2024-01-02T00:00:00.000Z").await,
        "",
        "the comparison uses milliseconds, and the customer has .000"
    );
    assert_eq!(list_source_ids(&client, "updated_at[before]=2024-01-03").await, "b");
}

#[tokio::test]
async fn starting_after_scrolls_in_both_orders() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 5).await;
    for (order, start, expected) in
        [("", "2200-01-01T00:00:00Z", "edcba"), ("&order=created_at", "1970-01-01T00:00:00Z", "abcde")]
    {
        assert_eq!(scroll(&client, 2, order, start).await, expected);
    }
}

#[tokio::test]
async fn scroll_includes_all_customers_created_in_same_millisecond() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    // Three customers are created in one millisecond, and the first page ends between them.
    for (index, micros) in [1000, 2000, 3000, 3300, 3600, 5000].into_iter().enumerate() {
        emulator.clock.set(format!("2024-01-01T00:00:00.{micros:06}Z").parse().unwrap());
        client.customer(json!({"source_id": index.to_string()})).await;
    }
    for (order, start, expected) in [("", "2200-01-01", "543210"), ("&order=created_at", "1970-01-01", "012345")] {
        assert_eq!(scroll(&client, 3, order, start).await, expected);
    }
}

#[tokio::test]
async fn segment_members_are_listed_in_order() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 5).await;
    let mut members = Vec::new();
    for name in ["b", "d", "e"] {
        members.push(client.get(&format!("/v1/customers/{name}")).await.string("/id"));
    }
    let segment = client.post("/v1/segments", json!({"name": "S", "customers": members})).await.string("/id");
    let query = format!("segment_id={segment}");
    assert_eq!(list_source_ids(&client, &query).await, "edb");
    assert_eq!(list_source_ids(&client, &format!("{query}&order=created_at")).await, "bde");
    assert_eq!(list_source_ids(&client, &format!("{query}&order=-source_id&limit=2")).await, "ed");
    assert_eq!(list_source_ids(&client, &format!("{query}&name=d")).await, "d");
    let page = client.get(&format!("/v1/customers?{query}&limit=2")).await.json();
    assert_eq!((&page["total"], &page["has_more"]), (&json!(3), &json!(true)));
    assert_eq!(list_source_ids(&client, "segment_id=seg_unknown").await, "");
    assert_eq!(list_source_ids(&emulator.other_project(), &query).await, "");
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    for (query, details) in [
        ("limit=0", "Property .limit cannot be lower than 1"),
        ("limit=101", "Property .limit cannot be higher than 100"),
        ("limit=ten", "Property .limit must be integer"),
        ("page=0", "Property .page cannot be lower than 1"),
        ("page=100", "Property .page cannot be higher than 99"),
        ("page=99999999999999999999", "Property .page must be integer"),
        (
            "order=name",
            "Property .order must be equal to one of the allowed values [ created_at, -created_at, updated_at, -updated_at, source_id, -source_id ]",
        ),
        ("starting_after=yesterday", "Property .starting_after cannot be recognized as a ISO-8601 compliant date"),
        ("created_at[before]=x", "Property .created_at.before cannot be recognized as a ISO-8601 compliant date"),
        ("name=%00", "Property .name must NOT contain the character U+0000"),
    ] {
        let error = project.client().get(&format!("/v1/customers?{query}")).await.expect(400).json();
        assert_eq!((&error["key"], &error["details"]), (&json!("invalid_query_params"), &json!(details)));
    }
}

#[tokio::test]
async fn page_is_ignored_beside_a_cursor() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = create_customers(&emulator, 3).await;
    for page in ["2", "99", "100", "0", "-1", "478", "two", "99999999999999999999"] {
        let query = format!("limit=2&page={page}&starting_after=2024-01-01T00:00:02Z");
        assert_eq!(list_source_ids(&client, &query).await, "ba", "{page}");
    }
    for (query, details) in [
        ("page=100&starting_after=", "Property .page cannot be higher than 99"),
        ("page=100&starting_after=soon", "Property .starting_after cannot be recognized as a ISO-8601 compliant date"),
        ("limit=0&page=0&starting_after=2024-01-01", "Property .limit cannot be lower than 1"),
    ] {
        assert_eq!(client.get(&format!("/v1/customers?{query}")).await.expect(400).string("/details"), details);
    }
}

#[tokio::test]
async fn the_junction_of_a_filter_has_any_case() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "x"})).await;
    client.customer(json!({"source_id": "b", "email": "y"})).await;
    let conditions = "filters[name][conditions][$is]=x&filters[email][conditions][$is]=y";
    for (junction, expected) in [("OR", "ba"), ("Or", "ba"), ("or", "ba"), ("AND", ""), ("And", ""), ("and", "")] {
        let query = format!("filters[junction]={junction}&{conditions}");
        assert_eq!(list_source_ids(&client, &query).await, expected, "{junction}");
    }
    for junction in ["nor", "", "%20or", "and,or"] {
        let error = client.get(&format!("/v1/customers?filters[junction]={junction}&{conditions}")).await.expect(400);
        let details = "Property .filters has wrong `junction` property. It must be one of: and, or";
        assert_eq!(error.string("/details"), details, "{junction}");
    }
}

#[tokio::test]
async fn customers_of_other_project_are_not_listed() {
    let project = TestProject::new();
    project.client().customer(json!({"email": "a@b.c"})).await;
    for query in ["", "?email=a@b.c", "?limit=1&order=created_at"] {
        let list = project.other_project().get(&format!("/v1/customers{query}")).await.expect(200).json();
        assert_eq!((&list["total"], &list["customers"]), (&json!(0), &json!([])));
    }
}

#[tokio::test]
async fn statements_of_lists_with_filters_are_not_kept() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    // Counts the prepared statements of all connections.
    let prepared = async || {
        let mut connections = Vec::new();
        for _ in 0..TestEmulator::CONNECTIONS {
            connections.push(emulator.connections.acquire().await.unwrap());
        }
        let mut sum = 0;
        for mut connection in connections {
            let count = sqlx::raw_sql("SELECT count(*) FROM pg_prepared_statements").fetch_one(&mut *connection).await;
            sum += count.unwrap().get::<i64, _>(0);
            connection.release();
        }
        sum
    };
    client.get("/v1/customers").await.expect(200);
    let before = prepared().await;
    for conditions in 1..=20 {
        let filters = (0..conditions).map(|key| format!("filters[metadata.{key}][conditions][$is][0]=x"));
        let query = filters.collect::<Vec<_>>().join("&");
        for path in ["customers", "orders"] {
            client.get(&format!("/v1/{path}?{query}")).await.expect(200);
        }
        client
            .get(&format!("/v1/segments?filters[name][conditions][$contains]=x&limit={conditions}"))
            .await
            .expect(200);
    }
    // These were 60 statements. Connections that were not used before prepare those of every request and of the workers.
    let after = prepared().await;
    assert!(after < before + 30, "{before} statements before, {after} after");
}

#[tokio::test]
async fn project_is_answered_while_another_one_holds_all_connections() {
    let emulator = TestEmulator::new().await;
    emulator.client().get("/v1/customers").await.expect(200);
    let other = emulator.other_project();
    other.get("/v1/customers").await.expect(200);
    let mut held = Vec::new();
    for _ in 0..TestEmulator::CONNECTIONS {
        held.push(emulator.connections.acquire_for(ProjectId(-1)).await.unwrap());
    }
    assert!(emulator.connections.acquire_for(ProjectId(-1)).await.is_err());
    other.get("/v1/customers").await.expect(200);
    other.customer(json!({"source_id": "a"})).await;
}
