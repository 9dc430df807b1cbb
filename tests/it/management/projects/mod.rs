use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

mod create;
mod delete;
mod deletion_under_way;
mod get;
mod list;
mod update;

pub const PATH: &str = "/management/v1/projects";

/// What every project needs.
pub fn smallest(name: &str) -> Value {
    json!({"name": name, "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"})
}

/// Creates a project.
pub async fn create(manager: &Client, name: &str) -> Answer {
    manager.post(PATH, smallest(name)).await.expect(200)
}

/// Whoever has the server keys of a project that was just created.
pub fn client_of(world: &World, created: &Answer) -> Client {
    world.client_with(&created.string("/server_side_key/app_id"), &created.string("/server_side_key/app_token"))
}

pub fn path_of(created: &Answer) -> String {
    format!("{PATH}/{}", created.string("/id"))
}
