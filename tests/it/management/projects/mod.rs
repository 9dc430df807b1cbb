use serde_json::{Value, json};

use crate::support::{Answer, Client, TestProject};

mod concurrent_deletion;
mod create;
mod delete;
mod get;
mod list;
mod update;

pub const PATH: &str = "/management/v1/projects";

/// Returns a creation request with only the required properties.
pub fn minimal(name: &str) -> Value {
    json!({"name": name, "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"})
}

/// Creates a project.
pub async fn create(manager: &Client, name: &str) -> Answer {
    manager.post(PATH, minimal(name)).await.expect(200)
}

/// Returns a client with the server keys of a created project.
pub fn client_of(project: &TestProject, created: &Answer) -> Client {
    project.client_with(&created.string("/server_side_key/app_id"), &created.string("/server_side_key/app_token"))
}

pub fn path_of(created: &Answer) -> String {
    format!("{PATH}/{}", created.string("/id"))
}
