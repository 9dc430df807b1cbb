mod account;
mod customer_delete;
mod customer_info;
mod fields;
mod output;
mod record_customer;
mod trouble;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};

use crate::support::{Answer, World};

const PATH: &str = "/stickystreet/api.php";
const ACCOUNT: [(&str, &str); 3] =
    [("user_id", DEFAULT_APP_ID), ("user_password", DEFAULT_APP_TOKEN), ("account_id", "Sandbox Project")];
/// The project of [`World::stranger`].
const STRANGER: [(&str, &str); 3] =
    [("user_id", "stranger"), ("user_password", "stranger's token"), ("account_id", "stranger")];

fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a form of those fields, and of no others.
async fn send(world: &World, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(PATH).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(encoded(fields))).unwrap()).await
}

/// Sends those fields and the account's.
async fn call(world: &World, fields: &[(&str, &str)]) -> Answer {
    send(world, &[&ACCOUNT, fields].concat(), &[]).await.expect(200)
}

/// [`call`], answered in JSON.
async fn call_json(world: &World, fields: &[(&str, &str)]) -> Value {
    call(world, &[fields, &[("output", "json")]].concat()).await.json()
}

/// What the vendor's form of an error says.
async fn error(world: &World, fields: &[(&str, &str)]) -> String {
    let answer = call_json(world, fields).await;
    assert_eq!(answer["status"], "error", "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// Records a customer, and returns the code.
async fn record(world: &World, action: &str, fields: &[(&str, &str)]) -> String {
    let own = [("type", "record_customer"), ("customer_action", action)];
    let answer = call_json(world, &[&own, fields].concat()).await;
    assert_eq!(answer["status"], "success", "{answer}");
    answer["customer"]["code"].as_str().unwrap().to_owned()
}

/// What is known of a customer.
async fn info(world: &World, code: &str) -> Value {
    let answer = call_json(world, &[("type", "customer_info"), ("code", code)]).await;
    assert_eq!(answer["status"], "success", "{answer}");
    answer["customer"].clone()
}

fn deleted(code: &str) -> Value {
    json!({"status": "success", "customer": {"status": "deleted", "code": code}})
}
