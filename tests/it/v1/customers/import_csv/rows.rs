//! Tests the import of rows.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{import, message_and_reasons, upload};
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn rows_create_and_update_customers_in_file_order() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let id =
        client.customer(json!({"source_id": "known", "name": "K", "phone": "1", "metadata": {"a": 1, "b": 2}})).await;
    emulator.clock.set("2024-03-01T10:00:01Z".parse().unwrap());
    let second = client.customer(json!({"source_id": "second", "name": "S"})).await;
    emulator.clock.set("2024-03-01T10:00:05Z".parse().unwrap());
    let file = format!(
        "Id,Source_id,Name,City,b\n,known,N,NY,x\n,new,first,,\n{second},,T,,\n,,anonymous,,\n,new,last,,y\n{id},ignored,,,z\n"
    );
    let result = import(&client, file).await;
    assert_eq!((&result["done_count"], &result["failed_count"]), (&json!(6), &json!(0)), "{result}");

    let known = client.get("/v1/customers/known").await.json();
    assert_eq!((&known["id"], &known["name"], &known["phone"]), (&json!(id), &json!("N"), &json!("1")));
    assert_eq!(known["metadata"].to_string(), r#"{"a":1,"b":"z"}"#);
    assert_eq!(known["address"].to_string(), r#"{"city":"NY"}"#);
    assert_eq!(known["updated_at"], "2024-03-01T10:00:05.005Z", "each row has a millisecond of its own");
    assert_eq!(client.get("/v1/customers/second").await.json()["name"], "T");
    let new = client.get("/v1/customers/new").await.json();
    assert_eq!((&new["name"], new["metadata"].to_string()), (&json!("last"), r#"{"b":"y"}"#.to_owned()));
    client.get("/v1/customers/ignored").await.expect(404);
    let list = client.get("/v1/customers?order=created_at").await.expect(200);
    assert_eq!(list.column("customers", "name"), ["N", "T", "last", "anonymous"]);
    assert_eq!(list.json()["customers"][3]["source_id"], Value::Null);
}

#[tokio::test]
async fn invalid_rows_fail_individually_with_row_number() {
    let project = TestProject::new();
    let client = project.client();
    let long = "x".repeat(501);
    let file = format!(
        "Id,Source_id,Name,Birthdate,City,Description\n\
         ,a,A,,,\n\
         ,b,{long},,,\n\
         \n\
         123-123-123,c,Java,21-06-1995,,\n\
         123-123-123,d,Java,1995-06-21,,\n\
         cust_W8n9I8pJDXlM69j49iKJeYpQ,,,,,\n\
         ,e,E,,,,\n\
         ,,,,,\n\
         ,f\n\
         ,{long},,,,\n\
         ,g,,,{long},\n\
         ,h,,,,{long}\n\
         ,i,,,,{}\n",
        "x".repeat(5001)
    );
    let result = import(&client, file).await;
    let reasons: Vec<_> = result["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row"].as_i64().unwrap(), row["source_id"].as_str().unwrap(), row["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        reasons,
        [
            (2, "b", "Property .name must NOT have more than 500 characters"),
            (3, "c", "Property .birthdate cannot be recognized as a ISO-8601 compliant date"),
            (4, "d", "Cannot find customer with id 123-123-123"),
            (5, "", "Cannot find customer with id cust_W8n9I8pJDXlM69j49iKJeYpQ"),
            (6, "e", "The row has 7 cells, the first line has 6"),
            (7, "", "The row is empty"),
            (9, long.as_str(), "Property .source_id must NOT have more than 500 characters"),
            (10, "g", "Property .address.city must NOT have more than 500 characters"),
            (12, "i", "Property .description must NOT have more than 5000 characters"),
        ]
    );
    assert_eq!(result["message"], "3 customer(s) imported successfully, 9 failed.");
    let list = client.get("/v1/customers?order=created_at").await.expect(200);
    assert_eq!(list.column("customers", "source_id"), ["a", "f", "h"]);
}

#[tokio::test]
async fn oversized_row_fails_individually() {
    let project = TestProject::new();
    let client = project.client();
    let cell = "x".repeat(1024 * 1024);
    let file = format!("source_id,note\n{cell},x\na,{cell}\n{},{}\nb,{}\nc,\n", "y".repeat(3000), "z", &cell[20..]);
    let result = import(&client, file).await;
    let too_large = "The row must NOT be larger than 1048576 bytes".to_owned();
    let too_long = "Property .source_id must NOT have more than 500 characters".to_owned();
    assert_eq!(message_and_reasons(&result).1, [too_large.clone(), too_large, too_long]);
    let source_ids: Vec<_> =
        result["failed"].as_array().unwrap().iter().map(|row| row["source_id"].as_str().unwrap()).collect();
    assert_eq!(source_ids, ["", "a", ""], "a source_id of invalid length is not returned");
    assert_eq!(client.get("/v1/customers/b").await.expect(200).json()["metadata"]["note"], &cell[20..]);
}

#[tokio::test]
async fn cells_may_contain_commas_quotes_and_line_breaks() {
    let project = TestProject::new();
    let client = project.client();
    let file = "\u{feff}\"Source_id\",name,note\r\na,\"Morgan, Alice\",\"said \"\"hi\"\"\"\r\nb,Zoë 🎉,\"two\r\nlines\nand more\"\r\nc,5\" pipe, blanks ";
    assert_eq!(import(&client, file).await["done_count"], 3);
    for (source_id, name, note) in [
        ("a", "Morgan, Alice", "said \"hi\""),
        ("b", "Zoë 🎉", "two\r\nlines\nand more"),
        ("c", "5\" pipe", " blanks "),
    ] {
        let customer = client.get(&format!("/v1/customers/{source_id}")).await.expect(200).json();
        assert_eq!((&customer["name"], &customer["metadata"]["note"]), (&json!(name), &json!(note)));
    }
}

#[tokio::test]
async fn file_that_is_not_utf8_csv_returns_400() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let not_utf_8 = |line| format!("Property .file must be CSV in UTF-8; the row at line {line} is not UTF-8");
    let nul =
        |line| format!("Property .file must be CSV in UTF-8; the row at line {line} contains the character U+0000");
    let late = [b"source_id\n".as_slice(), &b"a\n".repeat(3000), b"\xff\n"].concat();
    for (file, details) in [
        (&b"source_id,name\na,\xff\n"[..], not_utf_8(2)),
        (b"\xff\xfes\0o\0u\0", not_utf_8(1)),
        (b"\x89PNG\r\n\x1a\n\0\0", not_utf_8(1)),
        (b"\x00\x01\x02", nul(1)),
        (b"source_id\na\nb\0\n", nul(3)),
        (&late, not_utf_8(3002)),
        (b"source_id,name\na,\"never closed\nb,B\n", "Property .file must NOT end within a quoted cell".to_owned()),
        (b"source_id,\"name", "Property .file must NOT end within a quoted cell".to_owned()),
        (b"source_id\na\n\"", "Property .file must NOT end within a quoted cell".to_owned()),
    ] {
        let error = upload(&client, file).await.expect(400);
        assert_eq!((error.string("/key"), error.string("/details")), ("invalid_payload".to_owned(), details));
    }
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
    let slices: i64 = sqlx::query_scalar("SELECT count(*) FROM job_slices").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(slices, 0);
    assert_eq!(import(&client, "source_id\n.\n\".\"\n").await["done_count"], 2, "a row may contain only a dot");
}

#[tokio::test]
async fn file_without_rows_imports_no_customers() {
    let project = TestProject::new();
    let client = project.client();
    for file in ["source_id,name", "source_id,name\n", "source_id,name\r\n\r\n"] {
        let result = import(&client, file).await;
        assert_eq!(message_and_reasons(&result), ("0 customer(s) imported successfully, 0 failed.".to_owned(), vec![]));
    }
}

#[tokio::test]
async fn import_records_only_segment_activity() {
    let project = TestProject::new();
    let client = project.client();
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["N"]}}});
    let segment = json!({"name": "S", "type": "auto-update", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let id = client.customer(json!({"source_id": "a"})).await;
    import(&client, "source_id,name\na,N\nb,N\nc,O\n").await;
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200);
    assert_eq!(members.column("customers", "source_id"), ["b", "a"]);
    let activity = client.get(&format!("/v1/customers/{id}/activity")).await.expect(200);
    assert_eq!(activity.column("data", "type"), ["customer.segment.entered", "customer.created"]);
}

#[tokio::test]
async fn import_does_not_change_customers_of_other_project() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "a", "name": "A"})).await;
    let result = import(&project.other_project(), format!("id,source_id,name\n,a,B\n{id},,C\n")).await;
    assert_eq!(message_and_reasons(&result).1, [format!("Cannot find customer with id {id}")]);
    assert_eq!(project.client().get("/v1/customers/a").await.string("/name"), "A");
    assert_eq!(project.other_project().get("/v1/customers/a").await.string("/name"), "B");
}

#[tokio::test]
async fn row_order_is_kept_across_slices_and_listed_failures_are_limited() {
    let project = TestProject::new();
    let client = project.client();
    let rows: Vec<_> =
        (0..12_500).map(|row| format!("c{row:05},{}", if row % 5 < 4 { "x" } else { "1990-01-01" })).collect();
    let result = import(&client, format!("source_id,birthdate\n{}", rows.join("\n"))).await;
    assert_eq!((&result["done_count"], &result["failed_count"]), (&json!(2_500), &json!(10_000)));
    let failed = result["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[9_999]["row"], &failed[4]["row"]), (10_000, &json!(12_499), &json!(6)));
    let first = client.get("/v1/customers?order=created_at&limit=3").await.expect(200);
    assert_eq!(first.column("customers", "source_id"), ["c00004", "c00009", "c00014"]);
    let last = client.get("/v1/customers?limit=2").await.expect(200);
    assert_eq!(last.column("customers", "source_id"), ["c12499", "c12494"]);
}

#[test]
fn any_written_csv_is_imported_unchanged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(TestEmulator::new());
    let cell = prop_oneof!["[a-z0-9]{0,3}", "[ -~é🎉\r\n\t\"',;\u{feff}]{0,8}"];
    let rows = proptest::collection::vec((cell.clone(), cell.clone(), cell), 0..12);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) });
    let number = std::cell::Cell::new(0);
    runner
        .run(&(rows, any::<bool>(), any::<bool>()), |(rows, is_crlf, has_mark)| {
            number.set(number.get() + 1);
            let client = emulator.client_with(&format!("project {}", number.get()), "token");
            let terminator = if is_crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            writer.write_record(["Source_id", "name", "note", "City"]).unwrap();
            for (index, (name, note, city)) in rows.iter().enumerate() {
                writer.write_record([&format!("r{index}"), name, note, city]).unwrap();
            }
            let mut file = if has_mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
            file.extend(writer.into_inner().unwrap());
            runtime.block_on(async {
                assert_eq!(import(&client, file).await["done_count"], rows.len());
                for (index, (name, note, city)) in rows.iter().enumerate() {
                    let customer = client.get(&format!("/v1/customers/r{index}")).await.expect(200).json();
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let seen = [&customer["name"], &customer["metadata"]["note"], &customer["address"]["city"]];
                    assert_eq!(seen.map(text), [name.clone(), note.clone(), city.clone()]);
                }
            });
            Ok(())
        })
        .unwrap();
}
