mod account;
mod customer_delete;
mod customer_info;
mod failures;
mod fields;
mod output;
mod pages;
mod record_customer;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use voucherify_emulator::config::DEFAULT_APP_ID;

use crate::support::{Answer, TestProject};

const PATH: &str = "/stickystreet/api.php";

type Account<'a> = [(&'static str, &'a str); 3];

/// Returns the credentials of the project, which is named like its key unless it is the default one.
fn account(project: &TestProject) -> Account<'_> {
    let (id, token) = project.server_keys();
    let name = if id == DEFAULT_APP_ID { "Sandbox Project" } else { id };
    [("user_id", id), ("user_password", token), ("account_id", name)]
}

/// Returns the credentials of [`TestProject::other_project`].
fn other_account(project: &TestProject) -> Account<'_> {
    let (id, token) = project.other_keys();
    [("user_id", id), ("user_password", token), ("account_id", id)]
}

/// Returns the fields in the encoding of a URL query.
fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a form with exactly these fields.
async fn send(project: &TestProject, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(PATH).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    project.send(request.body(Body::from(encoded(fields))).unwrap()).await
}

/// Sends these fields with the credentials of the project.
async fn call(project: &TestProject, fields: &[(&str, &str)]) -> Answer {
    send(project, &[&account(project), fields].concat(), &[]).await.expect(200)
}

/// Sends the fields like [`call`], with the output format JSON.
async fn call_json(project: &TestProject, fields: &[(&str, &str)]) -> Value {
    call(project, &[fields, &[("output", "json")]].concat()).await.json()
}

/// Sends the fields, expects an error, and returns its message.
async fn error(project: &TestProject, fields: &[(&str, &str)]) -> String {
    let answer = call_json(project, fields).await;
    assert_eq!(answer["status"], "error", "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// Records a customer and returns its code.
async fn record(project: &TestProject, action: &str, fields: &[(&str, &str)]) -> String {
    let own = [("type", "record_customer"), ("customer_action", action)];
    let answer = call_json(project, &[&own, fields].concat()).await;
    assert_eq!(answer["status"], "success", "{answer}");
    answer["customer"]["code"].as_str().unwrap().to_owned()
}

/// Returns the fields of a customer.
async fn info(project: &TestProject, code: &str) -> Value {
    let answer = call_json(project, &[("type", "customer_info"), ("code", code)]).await;
    assert_eq!(answer["status"], "success", "{answer}");
    answer["customer"].clone()
}

/// Returns the response to a successful deletion.
fn deleted(code: &str) -> Value {
    json!({"status": "success", "customer": {"status": "deleted", "code": code}})
}
