mod columns;
mod create;
mod delete;
mod download;
mod filters;
mod forgetting;
mod get;
mod list;
mod running;

use serde_json::{Value, json};

use crate::support::Client;

/// Asks for an export, waits for it, and returns it.
async fn done(client: &Client, object: &str, parameters: Value) -> Value {
    let answer = client.post("/v1/exports", json!({"exported_object": object, "parameters": parameters})).await;
    let id = answer.expect(200).string("/id");
    finished(client, &id).await
}

/// The export with that id, once nothing is left to do.
async fn finished(client: &Client, id: &str) -> Value {
    client.get("/_emulator/idle").await.expect(200);
    client.get(&format!("/v1/exports/{id}")).await.expect(200).json()
}

/// The file of a finished export.
async fn file(client: &Client, export: &Value) -> String {
    let url = export["result"]["url"].as_str().unwrap_or_else(|| panic!("{export}"));
    client.download(url).await.expect(200).text
}

/// Asks for an export and returns its file.
async fn exported(client: &Client, object: &str, parameters: Value) -> String {
    file(client, &done(client, object, parameters).await).await
}
