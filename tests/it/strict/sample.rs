//! Samples of what the contract documents.

use serde_json::{Map, Value, json};

use crate::support::contract_document;

/// Members that are read as a whole, although the contract describes a part of their content.
const READ_AS_A_WHOLE: [&str; 3] = ["filter", "filters", "system_metadata"];

/// Returns a value with every documented member, in so far as the schema does not exclude it.
pub fn value(schema: &Value) -> Value {
    let schema = resolved(schema);
    for name in ["const", "example"] {
        if !schema[name].is_null() {
            return schema[name].clone();
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    for name in ["oneOf", "anyOf"] {
        if let Some(first) = schema[name].as_array().and_then(|schemas| schemas.first()) {
            return value(first);
        }
    }
    match type_of(schema) {
        None if schema["allOf"].is_array() => value(&schema["allOf"][0]),
        Some("object") => object(schema).into(),
        Some("array") => json!([value(&schema["items"])]),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("boolean") => true.into(),
        _ => text(schema).into(),
    }
}

fn object(schema: &Value) -> Map<String, Value> {
    let mut members = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(object(resolved(part)));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        members.insert(name.clone(), value(member));
    }
    if schema["additionalProperties"].is_object() {
        members.insert("any".to_owned(), value(&schema["additionalProperties"]));
    }
    members
}

fn text(schema: &Value) -> &'static str {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("uri"), _) => "https://receiver.example/hook",
        (_, Some("^[A-Z]{3}$")) => "EUR",
        (_, Some(r"^\+?[0-9][0-9 -]{0,9}$")) => "+48",
        (_, Some("^([Aa][Nn][Dd]|[Oo][Rr])$")) => "and",
        _ => "2024-01-01",
    }
}

/// Returns the JSON pointers of the objects in the sample of a schema whose members are all documented.
pub fn closed_objects(schema: &Value) -> Vec<String> {
    let schema = resolved(schema);
    for name in ["oneOf", "anyOf"] {
        if let Some(first) = schema[name].as_array().and_then(|schemas| schemas.first()) {
            return closed_objects(first);
        }
    }
    let below = |step: &str, schema: &Value| -> Vec<String> {
        closed_objects(schema).into_iter().map(|pointer| format!("/{step}{pointer}")).collect()
    };
    match type_of(schema) {
        Some("object") => {
            let parts = schema["allOf"].as_array().into_iter().flatten().map(resolved).chain([schema]);
            let members: Vec<_> = parts.filter_map(|part| part["properties"].as_object()).flatten().collect();
            // An object without documented members, or with members of any name, is read as a whole.
            let mut pointers = Vec::new();
            if !members.is_empty() && !schema["additionalProperties"].is_object() {
                pointers.push(String::new());
            }
            let members = members.iter().filter(|(name, _)| !READ_AS_A_WHOLE.contains(&name.as_str()));
            pointers.extend(members.flat_map(|(name, member)| below(name, member)));
            if schema["additionalProperties"].is_object() {
                pointers.extend(below("any", &schema["additionalProperties"]));
            }
            pointers
        }
        Some("array") => below("0", &schema["items"]),
        _ => Vec::new(),
    }
}

fn resolved(mut schema: &Value) -> &Value {
    while let Some(reference) = schema["$ref"].as_str() {
        schema = contract_document().pointer(&reference[1..]).unwrap();
    }
    schema
}

fn type_of(schema: &Value) -> Option<&str> {
    let types = schema["type"].as_array();
    // An identifier may be an integer, but not in strict mode.
    let first = types.and_then(|types| types.iter().find(|one| *one == "string").or_else(|| types.first()));
    let first = first.unwrap_or(&schema["type"]).as_str();
    let has_object = |part: &Value| type_of(resolved(part)) == Some("object");
    let parts = || schema["allOf"].as_array().into_iter().flatten();
    first.or_else(|| (schema["properties"].is_object() || parts().any(has_object)).then_some("object"))
}
