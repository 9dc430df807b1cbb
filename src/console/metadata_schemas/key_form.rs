//! The form for the definition of one key.

use serde_json::{Map, Number, Value};

use super::kind::Kind;
use crate::console::components::Field;
use crate::console::form::Form;
use crate::console::view::{items, text};

/// The constraints that are lists of values, numbers, or lengths, with their labels.
const LISTS: [(&str, &str); 2] =
    [("eq", "Only these values, one in a line"), ("ne", "Not these values, one in a line")];
const NUMBERS: [(&str, &str); 4] = [("gt", "More than"), ("gte", "At least"), ("lt", "Less than"), ("lte", "At most")];
const LENGTHS: [(&str, &str); 3] =
    [("minLength", "Shortest length"), ("maxLength", "Greatest length"), ("exactLength", "Exact length")];

/// Returns the fields for a definition. `value` returns the text of a field. The type of a stored key of metadata cannot change, so it is
/// the only choice then.
pub fn fields(kind: Kind, stored_type: Option<String>, value: impl Fn(&str) -> String) -> Vec<Field> {
    let types = match stored_type {
        Some(stored) if kind == Kind::Metadata => vec![stored],
        _ => kind.types(),
    };
    let mut fields = vec![Field::choice("type", "Type", types, value("type"))];
    if kind == Kind::Metadata {
        let object_type = Field::text("objectType", "Resource of the objects", value("objectType"));
        fields.push(object_type.hint("For the type object: the resource whose schema applies to them."));
    }
    fields.push(Field::flag("optional", "Optional", !value("optional").is_empty()));
    if kind == Kind::Metadata {
        fields.push(Field::flag("array", "An array of such values", !value("array").is_empty()));
        for (name, label) in NUMBERS {
            fields.push(Field::text(name, label, value(name)).hint("For the type number."));
        }
        for (name, label) in LENGTHS {
            fields.push(Field::text(name, label, value(name)).hint("For the type string."));
        }
        for (name, label) in LISTS {
            fields.push(Field::area(name, label, value(name)).rows(3));
        }
    }
    fields
}

/// Returns the text of a field for a stored definition.
pub fn stored_value(definition: &Value, name: &str) -> String {
    match definition.get(name) {
        Some(Value::Array(_)) => {
            let values = items(definition, &format!("/{name}")).iter().map(|value| text(value, ""));
            values.collect::<Vec<_>>().join("\n")
        }
        Some(Value::Bool(is_set)) => if *is_set { "on" } else { "" }.to_owned(),
        _ => text(definition, &format!("/{name}")),
    }
}

/// Returns the definition that a form contains.
///
/// # Errors
/// What is wrong with a field.
pub fn definition(kind: Kind, form: &Form) -> Result<Value, String> {
    let mut members = Map::new();
    let kind_of_values = form.text("type");
    members.insert("type".to_owned(), kind_of_values.into());
    members.insert("optional".to_owned(), (!form.text("optional").is_empty()).into());
    if kind == Kind::Event {
        return Ok(Value::Object(members));
    }
    members.insert("array".to_owned(), (!form.text("array").is_empty()).into());
    let entered = |name: &str| Some(form.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(object_type) = entered("objectType") {
        members.insert("objectType".to_owned(), object_type.into());
    }
    for (name, label) in NUMBERS.into_iter().chain(LENGTHS) {
        if let Some(text) = entered(name) {
            members.insert(name.to_owned(), number(label, &text)?);
        }
    }
    for (name, label) in LISTS {
        let lines = form.text(name).lines().map(str::trim).filter(|line| !line.is_empty());
        let value = |line: &str| if kind_of_values == "number" { number(label, line) } else { Ok(line.into()) };
        let values = lines.map(value).collect::<Result<Vec<Value>, _>>()?;
        if !values.is_empty() {
            members.insert(name.to_owned(), values.into());
        }
    }
    Ok(Value::Object(members))
}

fn number(label: &str, text: &str) -> Result<Value, String> {
    text.parse::<Number>().map(Value::Number).map_err(|_| format!("{label}: {text} is not a number."))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Form::parse(&Bytes::from(body))
    }

    #[test]
    fn a_definition_has_the_entered_constraints() {
        let sent =
            form(&[("type", "number"), ("optional", "on"), ("gte", "1.5"), ("minLength", ""), ("eq", "1\n\n 2 ")]);
        let expected = json!({"type": "number", "optional": true, "array": false, "gte": 1.5, "eq": [1, 2]});
        assert_eq!(definition(Kind::Metadata, &sent), Ok(expected));
        let sent = form(&[("type", "string"), ("array", "on"), ("maxLength", "3"), ("ne", "1")]);
        let expected = json!({"type": "string", "optional": false, "array": true, "maxLength": 3, "ne": ["1"]});
        assert_eq!(definition(Kind::Metadata, &sent), Ok(expected));
        assert_eq!(definition(Kind::Event, &sent), Ok(json!({"type": "string", "optional": false})));
        let wrong = form(&[("type", "number"), ("lt", "many")]);
        assert_eq!(definition(Kind::Metadata, &wrong), Err("Less than: many is not a number.".to_owned()));
    }

    #[test]
    fn a_stored_definition_fills_the_form() {
        let stored = json!({"eq": ["a", "b"], "type": "string", "array": true, "optional": false, "maxLength": 3});
        let values = ["eq", "type", "array", "optional", "maxLength", "ne"].map(|name| stored_value(&stored, name));
        assert_eq!(values, ["a\nb", "string", "on", "", "3", ""]);
    }
}
