//! Every operation knows what the contract documents for it, and nothing else. The operations are those of the contract, so that a
//! later operation is tested without a change here.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;

use super::sample;
use crate::support::{Answer, Client, TestEmulator, contract_document, contract_operations};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// An operation of the contract, with what it takes to call it.
struct Operation {
    method: Method,
    id: String,
    path: String,
    /// The documented parameters, each as `name=value`.
    parameters: Vec<String>,
    /// The media type and the schema of the body.
    body: Option<(String, Value)>,
    client: Client,
}

impl Operation {
    async fn send(&self, parameters: &[String], media: &str, body: Body) -> Answer {
        let separator = if parameters.is_empty() { "" } else { "?" };
        let query = parameters.join("&").replace('[', "%5B").replace(']', "%5D");
        let path = format!("{}{separator}{query}", self.path);
        self.client.call_with(self.method.clone(), &path, body, &[("content-type", media)]).await
    }

    /// Sends the operation with all that is documented, with additional parameters.
    async fn send_documented(&self, more: &[&str]) -> Answer {
        let parameters: Vec<_> =
            self.parameters.iter().cloned().chain(more.iter().map(|&one| one.to_owned())).collect();
        let (media, body) = match &self.body {
            Some((media, schema)) => (media.as_str(), encoded(media, &sample_of(&self.id, schema))),
            None => (JSON, Body::empty()),
        };
        self.send(&parameters, media, body).await
    }

    /// Sends the operation with an invented member in the object of the body at the pointer.
    async fn send_invented(&self, pointer: &str) -> Answer {
        let Some((media, schema)) = &self.body else {
            return self.send(&[], JSON, Body::from(r#"{"invented":1}"#)).await;
        };
        let mut body = sample_of(&self.id, schema);
        body.pointer_mut(pointer).unwrap()["invented"] = "1".into();
        self.send(&self.parameters, media, encoded(media, &body)).await
    }
}

/// Returns the sample of a body, which some rules of operations restrict beyond the schema.
fn sample_of(operation: &str, schema: &Value) -> Value {
    let mut body = sample::value(schema);
    if operation == "create-project" {
        // A user has one of both.
        body["users"] = json!([{"role": "ADMIN", "id": "1"}]);
    }
    if operation.contains("metadata-schema") && body["properties"].is_object() {
        body["properties"]["any"]["type"] = "string".into();
    }
    if operation.contains("webhook") && body["events"].is_array() {
        body["events"] = json!(["customer.created"]);
    }
    if operation == "emulator-create-fault" {
        // The operation must exist, and excludes some of the other members.
        return json!({"operation": "create-customer", "status": 503});
    }
    if operation == "generate-oauth-token" {
        body["scope"] = "api".into();
    }
    body
}

fn encoded(media: &str, body: &Value) -> Body {
    if media == JSON {
        return Body::from(body.to_string());
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = body.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), text(value)));
    if media == FORM {
        return Body::from(fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"));
    }
    let parts = fields.map(|(name, value)| {
        let file = if name == "file" { "; filename=\"f.csv\"" } else { "" };
        let value = if name == "file" { "Source_id\nalice\n".to_owned() } else { value };
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    });
    Body::from(parts.collect::<String>() + "--b--\r\n")
}

/// Returns an operation of a vendor or of the emulator, with objects that exist where the operation looks for them first.
async fn operation(emulator: &TestEmulator, method: &str, path: &str, id: &str) -> Operation {
    let document = &contract_document()["paths"][path];
    let described = &document[method.to_lowercase()];
    let client = match path {
        path if path.starts_with("/client/") => emulator.page(),
        path if path.starts_with("/management/") => emulator.manager(),
        _ => emulator.client(),
    };
    let mut real_path = path.to_owned();
    if path.starts_with("/management/") && path.contains("{projectId}") {
        let project = emulator.client().get("/_emulator/project").await.expect(200).string("/id");
        real_path = real_path.replace("{projectId}", &project);
    }
    if path == "/_emulator/webhooks/{webhookId}" {
        let webhook = json!({"target_url": "https://receiver.example", "events": ["customer.created"]});
        let webhook = emulator.client().post("/_emulator/webhooks", webhook).await.expect(200).string("/id");
        real_path = real_path.replace("{webhookId}", &webhook);
    }
    let real_path: Vec<_> =
        real_path.split('/').map(|step| if step.starts_with('{') { "unknown" } else { step }).collect();
    let parameters = document["parameters"].as_array().into_iter().chain(described["parameters"].as_array()).flatten();
    let parameters = parameters.map(resolved).filter(|parameter| parameter["in"] == "query").map(|parameter| {
        let name = parameter["name"].as_str().unwrap();
        if parameter["style"] == "deepObject" {
            return format!("{name}[junction]=and");
        }
        let schema = &parameter["schema"];
        let value = sample::value(if schema["items"].is_object() { &schema["items"] } else { schema });
        format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    let content = resolved(&described["requestBody"])["content"].as_object();
    let body = content.and_then(|content| content.iter().next());
    Operation {
        method: method.parse().unwrap(),
        id: id.to_owned(),
        path: real_path.join("/"),
        parameters: parameters.collect(),
        body: body.map(|(media, content)| {
            let media = if media.starts_with("multipart/") { format!("{media}; boundary=b") } else { media.clone() };
            (media, content["schema"].clone())
        }),
        client,
    }
}

fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => contract_document().pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

#[tokio::test]
async fn every_operation_knows_what_is_documented_and_refuses_what_is_invented() {
    let emulator = TestEmulator::with(Clock::System, |config| config.strict = true).await;
    // Otherwise the pages of the project are refused before their requests are read.
    let open = json!({"client_trusted_domains": [emulator.origin()], "client_create_customer_enabled": true,
        "client_loyalty_events_enabled": true});
    let mut failures = Vec::new();
    for (method, path, id) in contract_operations() {
        // An operation can change the settings.
        emulator.client().put("/_emulator/project", open.clone()).await.expect(200);
        // The operation is a field of the form there; its fields are tested below.
        if path.starts_with("/stickystreet") {
            continue;
        }
        let operation = operation(&emulator, &method, &path, &id).await;

        // A stream of events never ends, and has no parameters.
        if !path.ends_with("/stream") {
            let answer = operation.send_documented(&[]).await;
            // A token of a file is invalid here, and is checked after the parameters are read.
            let is_refused = answer.status == 401 && !operation.parameters.iter().any(|one| one.starts_with("token="));
            if answer.text.contains("is unknown") || is_refused {
                failures.push(format!("{id} with all that is documented: {}", answer.text));
            }
        }
        let answer = operation.send_documented(&["invented=1"]).await;
        if !is_refusal(&answer, "invalid_query_params", "Property .invented is unknown") {
            failures.push(format!("{id} with an invented parameter: {}", answer.text));
        }
        let pointers =
            operation.body.as_ref().map_or(vec![String::new()], |(_, schema)| sample::closed_objects(schema));
        for pointer in pointers {
            let answer = operation.send_invented(&pointer).await;
            let details = format!("Property {} is unknown", path_text(&format!("{pointer}/invented")));
            if !is_refusal(&answer, "invalid_payload", &details) {
                failures.push(format!("{id} with an invented member at {pointer:?}: {}", answer.text));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn is_refusal(answer: &Answer, key: &str, details: &str) -> bool {
    answer.status == 400 && answer.json()["key"] == key && answer.json()["details"] == details
}

/// Returns a JSON pointer as error messages show it.
fn path_text(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |text, step| match step.parse::<usize>() {
        Ok(index) => format!("{text}[{index}]"),
        Err(_) => format!("{text}.{step}"),
    })
}
