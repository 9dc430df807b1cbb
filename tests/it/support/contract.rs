//! Validates every response of every test against the contract.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use voucherify_emulator::api::CONTRACT;

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(CONTRACT).unwrap());

/// Returns the parsed contract.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Returns the method, the path and the operation id of every operation of the contract.
pub fn operations() -> Vec<(String, String, String)> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                operations.push((method.to_uppercase(), path.clone(), id.to_owned()));
            }
        }
    }
    operations
}

/// Returns the method, path and security requirements (scheme names with scopes) of every operation of the contract.
pub fn operation_security() -> Vec<(String, String, Vec<Value>)> {
    let mut requirements = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(_, one)| one["operationId"].is_string()) {
            let security = operation.get("security").unwrap_or(&DOCUMENT["security"]);
            requirements.push((method.to_uppercase(), path.clone(), security.as_array().unwrap().clone()));
        }
    }
    requirements
}

/// Fails when the contract does not allow this response to `method` on `path` (without the query).
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    if answer.status.as_u16() == 421 {
        return validate("#/components/responses/E421/content/application~1json/schema", &answer.json());
    }
    // The console has pages and downloads, which are for people and not in the contract.
    let is_json = answer.headers.get("content-type").is_some_and(|media| media == "application/json; charset=utf-8");
    let is_of_console = path.starts_with("/_emulator/console") || path.starts_with("/_emulator/docs");
    if (path == "/" && !is_json) || (is_of_console && (!is_json || answer.status == 200)) {
        return;
    }
    if method == Method::OPTIONS && path.starts_with("/client/") {
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "a preflight response is empty");
        return;
    }
    let method = method.as_str().to_lowercase();
    // One slash at the end belongs to no path.
    let path = path.strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/')).unwrap_or(path);
    let Some(template) = template_of(path, &method) else {
        assert_eq!(answer.status.as_u16(), 404, "{path} is not in the contract");
        return validate("#/components/schemas/Error", &answer.json());
    };
    let operation = &DOCUMENT["paths"][&template][&method];
    if operation.is_null() {
        assert!(answer.status.as_u16() == 405 || method == "head", "{method} {template} is not in the contract");
        if method != "head" {
            validate("#/components/schemas/Error", &answer.json());
        }
        return;
    }
    let status = answer.status.as_str();
    let response = &operation["responses"][status];
    assert!(!response.is_null(), "{method} {template} must not answer {status}: {}", answer.text);
    let pointer = match response["$ref"].as_str() {
        Some(reference) => reference.to_owned(),
        None => format!("#/paths/{}/{method}/responses/{status}", escape(&template)),
    };
    let content = DOCUMENT.pointer(&pointer[1..]).and_then(|response| response.get("content"));
    let Some(content) = content else {
        return assert_eq!(answer.text, "", "{method} {template} answers {status} without a body");
    };
    let media = answer.header("content-type").strip_suffix("; charset=utf-8").expect("a charset");
    // The text formats of metrics have a version too.
    let media = media.split(';').next().unwrap_or(media);
    assert!(content.get(media).is_some(), "{method} {template} must not answer {status} in {media}");
    let schema = format!("{pointer}/content/application~1json/schema");
    match media {
        "application/json" => validate(&schema, &answer.json()),
        "application/javascript" => validate(&schema, &of_callback(&answer.text)),
        "text/xml" => validate(&schema, &of_xml(&answer.text)),
        // Downloaded files and metrics have no schema.
        "text/csv" | "text/plain" | "application/openmetrics-text" => {}
        other => panic!("no check for {other}"),
    }
}

/// Returns the argument of the function call of a JSONP response.
#[track_caller]
fn of_callback(script: &str) -> Value {
    let argument = script.split_once('(').and_then(|(_, rest)| rest.strip_suffix(");"));
    serde_json::from_str(argument.unwrap_or_else(|| panic!("{script}")))
        .unwrap_or_else(|error| panic!("{error}: {script}"))
}

/// Parses the document strictly and returns it as JSON, with attributes and child elements as members.
#[track_caller]
fn of_xml(text: &str) -> Value {
    assert!(!text.starts_with("<?"), "an XML declaration");
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(document.root_element().tag_name().name(), "response");
    of_element(document.root_element())
}

fn of_element(element: roxmltree::Node<'_, '_>) -> Value {
    if element.attributes().len() == 0 && !element.children().any(|child| child.is_element()) {
        return element.text().unwrap_or_default().into();
    }
    let attributes = element.attributes().map(|attribute| (attribute.name().to_owned(), attribute.value().into()));
    let children = element.children().filter(roxmltree::Node::is_element);
    let children = children.map(|child| (child.tag_name().name().to_owned(), of_element(child)));
    let mut members = Map::new();
    for (name, value) in attributes.chain(children) {
        assert!(members.insert(name.clone(), value).is_none(), "{name} occurs twice");
    }
    members.into()
}

/// Returns the path of the contract that answers `method` on `path`. A literal path takes precedence over a template for the methods
/// that it has, as in the router.
fn template_of(path: &str, method: &str) -> Option<String> {
    let is_match = |template: &str| {
        let (parts, template_parts): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
        parts.len() == template_parts.len()
            && parts.iter().zip(template_parts).all(|(part, template_part)| {
                if template_part.starts_with('{') { !part.is_empty() } else { *part == template_part }
            })
    };
    let templates = DOCUMENT["paths"].as_object().unwrap();
    let mut candidates: Vec<_> = templates.keys().filter(|template| is_match(template)).collect();
    candidates.sort_by_key(|template| *template != path);
    let has_method = |template: &&&String| DOCUMENT["paths"][template.as_str()][method].is_object();
    candidates.iter().find(has_method).or_else(|| candidates.first()).map(|template| (*template).clone())
}

/// Fails when an example of a body in JSON is not valid.
#[track_caller]
pub fn check_examples() {
    let mut pending = vec![("#/paths".to_owned(), &DOCUMENT["paths"])];
    while let Some((pointer, value)) = pending.pop() {
        if pointer.ends_with("/content/application~1json") {
            for example in value["examples"].as_object().into_iter().flat_map(Map::values) {
                validate(&format!("{pointer}/schema"), &example["value"]);
            }
        }
        let members = value.as_object().into_iter().flatten();
        pending.extend(members.map(|(name, member)| (format!("{pointer}/{}", escape(name)), member)));
    }
}

#[track_caller]
fn validate(pointer: &str, body: &Value) {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = *validators.entry(pointer.to_owned()).or_insert_with(|| {
        let encoded = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({"$ref": encoded, "paths": DOCUMENT["paths"], "components": DOCUMENT["components"]});
        Box::leak(Box::new(jsonschema::validator_for(&schema).unwrap()))
    });
    drop(validators);
    let errors: Vec<_> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{pointer} does not allow {body}: {errors:#?}");
}

fn escape(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}
