//! Tests the upload of the file.

use axum::body::{Body, Bytes};
use axum::http::Method;
use http_body_util::channel::Channel;
use serde_json::json;

use super::{BOUNDARY, PATH, import, multipart, send, upload};
use crate::support::{Client, TestEmulator, TestProject};

const LIMIT: usize = 10_485_760;

async fn assert_nothing_accepted(emulator: &TestEmulator) {
    assert_eq!(emulator.client().get("/v1/async-actions").await.json()["async_actions"], json!([]));
    let slices: i64 = sqlx::query_scalar("SELECT count(*) FROM job_slices").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(slices, 0);
}

/// Returns a file of exactly `size` bytes with rows of about 5 kB, and its number of rows.
fn file_of_size(size: usize) -> (Vec<u8>, usize) {
    let mut file = b"source_id,description\n".to_vec();
    let mut rows = 0;
    while file.len() + 10_000 < size {
        file.extend_from_slice(format!("c{rows},{}\n", "x".repeat(4_950)).as_bytes());
        rows += 1;
    }
    let begin = format!("last,{}\nlast,", "x".repeat(4_950));
    let rest = size - file.len() - begin.len();
    file.extend_from_slice(begin.as_bytes());
    file.extend_from_slice("x".repeat(rest).as_bytes());
    assert_eq!(file.len(), size);
    (file, rows + 2)
}

#[tokio::test]
async fn upload_returns_async_action_id() {
    let project = TestProject::new();
    let client = project.client();
    let answer = upload(&client, "source_id\na\n").await.expect(202);
    assert_eq!(answer.shape(), r#"{"async_action_id":"<aa_>"}"#);
    let action = client.action(&answer.string("/async_action_id")).await;
    assert_eq!((&action["type"], &action["status"]), (&json!("CUSTOMERS.IMPORT_CSV"), &json!("DONE")));
    assert!(action.get("operation_status").is_none());
}

#[tokio::test]
async fn file_over_10_mib_returns_413() {
    let project = TestProject::new();
    let client = project.client();
    let (file, rows) = file_of_size(LIMIT);
    assert_eq!(import(&client, file).await["done_count"], rows);
    let other_client = project.other_project();
    for size in [LIMIT + 1, LIMIT * 2] {
        let error = upload(&other_client, file_of_size(size).0).await.expect(413);
        assert_eq!(
            error.text,
            r#"{"statusCode":413,"error":"Request Entity Too Large","message":"Payload content length greater than maximum allowed: 10485760"}"#
        );
    }
    let filler = vec![b'x'; LIMIT];
    send(&other_client, multipart(&[("other", &filler), ("file", &filler)])).await.expect(413);
    assert_eq!(other_client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
}

#[tokio::test]
async fn body_may_arrive_in_small_chunks_and_have_other_parts() {
    let project = TestProject::new();
    let client = project.client();
    let file = "Source_id,name\na,\"A\r\n--\r\n\"\nb,B\n";
    let body = multipart(&[("before", b"1"), ("file", file.as_bytes()), ("after", b"--2--\r\n")]);
    let (mut sender, pieces) = Channel::<Bytes>::new(1);
    let sending = tokio::spawn(async move {
        for byte in body {
            sender.send_data(Bytes::copy_from_slice(&[byte])).await.unwrap();
        }
    });
    let answer = send(&client, Body::new(pieces)).await.expect(202);
    sending.await.unwrap();
    assert_eq!(client.action(&answer.string("/async_action_id")).await["result"]["done_count"], 2);
    assert_eq!(client.get("/v1/customers/a").await.string("/name"), "A\r\n--\r\n");
}

#[tokio::test]
async fn interrupted_upload_creates_no_job() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let body = multipart(&[("file", b"source_id\na\nb\nc\n")]);
    for cut in [0, 1, 20, 160, body.len() - 3] {
        let (mut sender, pieces) = Channel::<Bytes, std::io::Error>::new(1);
        let begin = Bytes::copy_from_slice(&body[..cut]);
        let sending = tokio::spawn(async move {
            sender.send_data(begin).await.unwrap();
            sender.abort(std::io::ErrorKind::ConnectionReset.into());
        });
        let error = send(&client, Body::new(pieces)).await.expect(400);
        sending.await.unwrap();
        assert_eq!(error.string("/key"), "invalid_payload", "{cut}");
    }
    assert_nothing_accepted(&emulator).await;
}

#[tokio::test]
async fn malformed_multipart_body_returns_400() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let body = multipart(&[("file", b"source_id\na\n")]);
    let broken = "Payload must be multipart/form-data, whole and with its boundaries";
    for wrong in [&body[..body.len() - 5], &body[..100], b"nonsense", b"source_id\na\n"] {
        assert_eq!(send(&client, wrong.to_vec()).await.expect(400).string("/details"), broken);
    }
    let headers = [("content-type", "multipart/form-data")];
    let error = client.call_with(Method::POST, PATH, Body::from(body.clone()), &headers).await.expect(400);
    assert_eq!(error.string("/details"), broken);
    let one = multipart(&[("file", b"source_id\na\n"), ("file", b"source_id\nb\n")]);
    assert_eq!(send(&client, one).await.expect(400).string("/details"), "Property .file must be one file");
    assert_nothing_accepted(&emulator).await;
}

#[tokio::test]
async fn missing_file_part_returns_400() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let missing = "Payload must have required property 'file'";
    let none = format!("--{BOUNDARY}--\r\n").into_bytes();
    for body in
        [multipart(&[("customers", b"source_id\na\n")]), multipart(&[("File", b"source_id\na\n")]), none, vec![]]
    {
        assert_eq!(send(&client, body).await.expect(400).string("/details"), missing);
    }
    assert_eq!(client.call(Method::POST, PATH, None).await.expect(400).string("/details"), missing);
    assert_nothing_accepted(&emulator).await;
}

#[tokio::test]
async fn other_media_types_return_415() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for media in ["application/json", "text/csv", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x"] {
        let body = Body::from("source_id\na\n");
        let error = client.call_with(Method::POST, PATH, body, &[("content-type", media)]).await.expect(415);
        assert!(error.text.contains("Unsupported Media Type"));
    }
    client.call_with(Method::POST, PATH, Body::from("source_id\na\n"), &[]).await.expect(415);
    assert_nothing_accepted(&emulator).await;
}

#[tokio::test]
async fn invalid_keys_return_401() {
    let emulator =
        TestEmulator::with(voucherify_emulator::clock::Clock::System, |config| config.strict_auth = true).await;
    let wrong: Client = emulator.client_with("unknown", "wrong");
    upload(&wrong, "source_id\na\n").await.expect(401);
}
