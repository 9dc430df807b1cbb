mod columns;
mod erasure;
mod rows;
mod upload;

use axum::body::Body;
use serde_json::Value;

use crate::support::csv::{BOUNDARY, multipart};
use crate::support::{Answer, Client};

const PATH: &str = "/v1/customers/importCSV";

async fn send(client: &Client, body: impl Into<Body>) -> Answer {
    client.send_multipart(body).await
}

async fn upload(client: &Client, file: impl AsRef<[u8]>) -> Answer {
    client.upload_csv(file).await
}

async fn import(client: &Client, file: impl AsRef<[u8]>) -> Value {
    client.import_csv(file).await
}

/// Returns the message of a result and the reasons of its failed rows, in order.
fn message_and_reasons(result: &Value) -> (String, Vec<String>) {
    let reasons = result["failed"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap().to_owned());
    (result["message"].as_str().unwrap().to_owned(), reasons.collect())
}
