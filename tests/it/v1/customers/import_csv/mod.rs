mod columns;
mod erasure;
mod rows;
mod upload;

use axum::body::Body;
use axum::http::Method;
use serde_json::Value;

use crate::support::{Answer, Client};

const PATH: &str = "/v1/customers/importCSV";
const BOUNDARY: &str = "----boundary-that-no-file-contains";

/// Returns a multipart body with `parts`, given as name and content.
fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"customers.csv\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Sends a body with a multipart content type.
async fn send(client: &Client, body: impl Into<Body>) -> Answer {
    let media = format!("multipart/form-data; boundary={BOUNDARY}");
    client.call_with(Method::POST, PATH, body.into(), &[("content-type", &media)]).await
}

async fn upload(client: &Client, file: impl AsRef<[u8]>) -> Answer {
    send(client, multipart(&[("file", file.as_ref())])).await
}

/// Imports a file and returns the result of its action.
async fn import(client: &Client, file: impl AsRef<[u8]>) -> Value {
    let accepted = upload(client, file).await.expect(202);
    let action = client.action(&accepted.string("/async_action_id")).await;
    assert_eq!(action["status"], "DONE", "{action}");
    action["result"].clone()
}

/// Returns the message of a result and the reasons of its failed rows, in order.
fn message_and_reasons(result: &Value) -> (String, Vec<String>) {
    let reasons = result["failed"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap().to_owned());
    (result["message"].as_str().unwrap().to_owned(), reasons.collect())
}
