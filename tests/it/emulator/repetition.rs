//! The same calls, twice in the same project after a reset with the same seed and a frozen clock, get the same bytes, and the same
//! messages are sent to webhooks.

mod calls;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::databases::settings;
use crate::support::csv::{BOUNDARY, multipart};
use crate::support::{Client, Receiver, TestEmulator, TestProject, citus};

/// What is left out of the comparison: the text before it, and the character after it. Secret tokens are never made from a seed: a link to
/// a file ends with one, and the answers of the OAuth endpoint have one. How long a receiver took is measured.
const LEFT_OUT: [(&str, char); 3] = [("?token=", '"'), (r#""access_token":""#, '"'), (r#""milliseconds":"#, ',')];

/// A call and the answer to it.
#[derive(Debug, PartialEq)]
struct Exchange {
    call: String,
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// Sends calls and keeps the answers.
struct Script<'a> {
    project: &'a TestProject,
    receiver: &'a Receiver,
    server: Client,
    page: Client,
    exchanges: Vec<Exchange>,
}

impl<'a> Script<'a> {
    /// Empties the project and sets its clock and its seed.
    async fn begin(project: &'a TestProject, receiver: &'a Receiver) -> Self {
        let server = project.client();
        server.call(Method::POST, "/_emulator/reset", None).await.expect(200);
        let clock = json!({"now": "2030-01-01T00:00:00Z", "frozen": true});
        server.put("/_emulator/clock", clock).await.expect(200);
        server.put("/_emulator/ids", json!({"seed": "repetition"})).await.expect(200);
        Self { project, receiver, server, page: project.page(), exchanges: Vec::new() }
    }

    async fn get(&mut self, path: &str) -> Value {
        self.send(Method::GET, path, "", "application/json").await
    }

    async fn delete(&mut self, path: &str) -> Value {
        self.send(Method::DELETE, path, "", "application/json").await
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, body.to_string(), "application/json").await
    }

    async fn put(&mut self, path: &str, body: Value) -> Value {
        self.send(Method::PUT, path, body.to_string(), "application/json").await
    }

    async fn form(&mut self, path: &str, fields: &str) -> Value {
        self.send(Method::POST, path, fields.to_owned(), "application/x-www-form-urlencoded").await
    }

    async fn upload(&mut self, file: &str) -> Value {
        let body = multipart(&[("file", file.as_bytes())]);
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send(Method::POST, "/v1/customers/importCSV", body, &media).await
    }

    /// Sends a call with the server keys, and returns the body; null for a body that is not JSON.
    async fn send(&mut self, method: Method, path: &str, body: impl Into<Body>, media: &str) -> Value {
        let client = self.server.clone();
        self.send_with(&client, method, path, body, &[("content-type", media)]).await
    }

    /// Sends a call with the client keys, as a page does.
    async fn send_from_page(&mut self, method: Method, path: &str, body: Value, headers: &[(&str, &str)]) -> Value {
        let client = self.page.clone();
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send_with(&client, method, path, body, &headers).await
    }

    async fn send_with(
        &mut self,
        client: &Client,
        method: Method,
        path: &str,
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Value {
        let call = format!("{method} {path}");
        let answer = client.call_with(method, path, body.into(), headers).await;
        let parsed = serde_json::from_str(&answer.text).unwrap_or_default();
        self.keep(call, answer.status.as_u16(), answer.headers, answer.text);
        parsed
    }

    /// Downloads a file from a link of an answer.
    async fn download(&mut self, url: &str) {
        let answer = self.server.download(url).await;
        self.keep("download".to_owned(), answer.status.as_u16(), answer.headers, answer.text);
    }

    fn keep(&mut self, call: String, status: u16, mut headers: HeaderMap, body: String) {
        // When the minute of the rate limit ends, which is on real time.
        headers.remove("x-rate-limit-retry");
        // A duration that is left out may have another number of digits.
        if let Some(length) = headers.remove("content-length") {
            assert_eq!(length, body.len().to_string(), "{call}");
        }
        self.exchanges.push(Exchange { call, status, headers, body: comparable(body) });
    }

    /// Waits for the background work, so that the next answer does not depend on how far it is.
    async fn wait(&mut self) {
        self.get("/_emulator/idle").await;
    }

    /// Waits for the job that an answer has accepted, and reads it with its report.
    async fn finish(&mut self, accepted: &Value) {
        let id = accepted["async_action_id"].as_str().unwrap_or_else(|| panic!("{accepted}")).to_owned();
        self.wait().await;
        let action = self.get(&format!("/v1/async-actions/{id}")).await;
        for url in links(&action) {
            self.download(&url).await;
        }
    }
}

/// Returns the links to files in an answer.
fn links(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.contains("?token=") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(links).collect(),
        Value::Object(members) => members.values().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// Returns a body without what is left out of the comparison.
fn comparable(mut body: String) -> String {
    for (before, after) in LEFT_OUT {
        let mut from = 0;
        while let Some(at) = body[from..].find(before) {
            from += at + before.len();
            let end = body[from..].find(after).map_or(body.len(), |end| from + end);
            body.replace_range(from..end, "");
        }
    }
    body
}

/// Sends all calls, and returns the answers and the bodies of the messages that were sent meanwhile.
async fn run(project: &TestProject, receiver: &Receiver) -> (Vec<Exchange>, Vec<Bytes>) {
    let mut script = Script::begin(project, receiver).await;
    let before = receiver.messages().len();
    calls::run(&mut script).await;
    // Messages are sent in any order, and at least once.
    let sent = receiver.messages().split_off(before);
    let mut messages: Vec<_> = sent.into_iter().map(|message| message.body).collect();
    messages.sort();
    messages.dedup();
    (script.exchanges, messages)
}

#[track_caller]
fn assert_same(one: &(Vec<Exchange>, Vec<Bytes>), other: &(Vec<Exchange>, Vec<Bytes>)) {
    assert_eq!(one.1, other.1);
    assert!(one.1.len() >= 40, "{}", one.1.len());
    let (one, other) = (&one.0, &other.0);
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other, "{}", one.call);
    }
    assert_eq!(one.len(), other.len());
    assert!(one.len() >= 200, "{}", one.len());
}

#[tokio::test]
async fn the_same_200_calls_with_the_same_seed_and_time_get_the_same_bytes() {
    let project = TestProject::new();
    let receiver = Receiver::start().await;
    let runs = [run(&project, &receiver).await, run(&project, &receiver).await];
    assert_same(&runs[0], &runs[1]);
    // The calls are not all refused.
    for (class, least) in [(2, 200), (4, 60), (5, 5)] {
        let count = runs[0].0.iter().filter(|exchange| exchange.status / 100 == class).count();
        assert!(count >= least, "{count} answers with {class}xx");
    }
}

#[tokio::test]
async fn other_settings_of_the_database_change_no_byte() {
    if citus::skips("the settings of the databases of the workers are those of their operator") {
        return;
    }
    let (mut emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let expected = run(&emulator, &receiver).await;
    // Only the other emulator has background work from here on.
    emulator.stop_workers().await;
    settings::set_otherwise(&emulator.pool).await;
    let other = emulator.start_another(|_| {}).await;
    assert_same(&expected, &run(&other, &receiver).await);
}
