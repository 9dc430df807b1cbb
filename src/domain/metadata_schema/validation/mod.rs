//! Validation of metadata against schemas. The vendor publishes the structure of the error details, and the texts for
//! strings, numbers, images, arrays, required keys and lists of values. The other texts are defined by this project, in
//! the same style.

mod constraints;
mod formats;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::definition::Definition;
use super::schema::{EventSchema, MetadataSchema};
use crate::domain::json::javascript;
use crate::domain::limits;
use constraints::{describe, is_valid};

/// The kind of write that the metadata is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new object with its complete metadata: required keys must be present.
    Creation,
    /// A change of an existing object: only the keys that were sent are given and validated.
    Change,
}

/// Validates `metadata` against `schema`. An object with an object type is validated against the schema with that name
/// in `nested`; without such a schema, any object is valid.
///
/// # Errors
/// Returns the error details for the first invalid key, in the order of the definitions and then of the metadata: all
/// constraints of the key, and the actual value.
pub fn validate(
    schema: &MetadataSchema,
    nested: &[MetadataSchema],
    metadata: &Map<String, Value>,
    write: Write,
) -> Result<(), String> {
    check_object(Rules::new(schema), nested, metadata, write, 0)
}

/// Validates the metadata of a custom event against its schema. An event is always a creation, and keys without a
/// definition are allowed.
///
/// # Errors
/// Returns the error details for the first invalid key, like [`validate`].
pub fn validate_event(schema: &EventSchema, metadata: &Map<String, Value>) -> Result<(), String> {
    let rules = Rules { definitions: &schema.properties, defined_only: false };
    check_object(rules, &[], metadata, Write::Creation, 0)
}

#[derive(Clone, Copy)]
struct Rules<'a> {
    definitions: &'a [(String, Definition)],
    defined_only: bool,
}

impl<'a> Rules<'a> {
    fn new(schema: &'a MetadataSchema) -> Self {
        Self { definitions: &schema.properties, defined_only: schema.allow_defined_only == Some(true) }
    }

    /// Returns the definitions that are not removed.
    fn applicable(self) -> impl Iterator<Item = (&'a str, &'a Definition)> {
        self.definitions.iter().filter(|(_, it)| !it.deleted).map(|(key, it)| (key.as_str(), it))
    }
}

fn check_object(
    rules: Rules<'_>,
    nested: &[MetadataSchema],
    members: &Map<String, Value>,
    write: Write,
    depth: usize,
) -> Result<(), String> {
    for (key, definition) in rules.applicable() {
        match members.get(key) {
            None if definition.optional || write == Write::Change => {}
            Some(Value::Null) if definition.optional => {}
            None => return Err(error_details(key, &describe(definition), "undefined")),
            Some(value) => check_value(key, definition, nested, value, depth)?,
        }
    }
    if rules.defined_only {
        let undefined = members.iter().find(|(key, _)| !rules.applicable().any(|(defined, _)| defined == key.as_str()));
        if let Some((key, value)) = undefined {
            return Err(error_details(key, "property is not defined in the schema", &javascript::text(value)));
        }
    }
    Ok(())
}

fn check_value(
    key: &str,
    definition: &Definition,
    nested: &[MetadataSchema],
    value: &Value,
    depth: usize,
) -> Result<(), String> {
    let elements = match value {
        Value::Array(elements) if definition.array => Some(elements.as_slice()),
        _ if definition.array => None,
        one => Some(std::slice::from_ref(one)),
    };
    let Some(elements) = elements.filter(|elements| elements.iter().all(|element| is_valid(definition, element)))
    else {
        return Err(error_details(key, &describe(definition), &javascript::text(value)));
    };
    let object_type = definition.object_type.as_ref().filter(|_| depth < limits::NESTED_OBJECTS);
    let Some(schema) = object_type.and_then(|name| nested.iter().find(|schema| schema.related_object == *name)) else {
        return Ok(());
    };
    for (index, element) in elements.iter().enumerate() {
        if let Value::Object(members) = element {
            // An object within metadata is always written as a whole, so it is validated like a creation.
            check_object(Rules::new(schema), nested, members, Write::Creation, depth + 1).map_err(|inner| {
                if definition.array { format!("{key}[{index}].{inner}") } else { format!("{key}.{inner}") }
            })?;
        }
    }
    Ok(())
}

fn error_details(key: &str, constraints: &str, actual: &str) -> String {
    format!("{key}: {constraints} (actual value is '{actual}')")
}
