//! The form of a customer: its fields, and the body of the request that it stands for.

use serde_json::{Map, Value};

use crate::console::components::Field;
use crate::console::form::Form;
use crate::console::view::text;

/// The members of the profile: name in the API, label.
const PROFILE: [(&str, &str); 6] = [
    ("name", "Name"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("description", "Description"),
    ("birthday", "Birthday"),
    ("birthdate", "Birthdate"),
];
/// The members of the address.
const ADDRESS: [(&str, &str); 6] = [
    ("line_1", "Address, line 1"),
    ("line_2", "Address, line 2"),
    ("postal_code", "Postal code"),
    ("city", "City"),
    ("state", "State"),
    ("country", "Country"),
];

/// Returns the fields with the values of a customer. A new customer has no values.
pub fn of_customer(customer: &Value, is_new: bool) -> Vec<Field> {
    let metadata = match customer.pointer("/metadata") {
        Some(metadata) => serde_json::to_string_pretty(metadata).unwrap_or_default(),
        None => String::new(),
    };
    fields(is_new, |name, pointer| if name == "metadata" { metadata.clone() } else { text(customer, pointer) })
}

/// Returns the fields with the values that were sent.
pub fn of_form(form: &Form, is_new: bool) -> Vec<Field> {
    fields(is_new, |name, _| form.text(name).to_owned())
}

fn fields(is_new: bool, value: impl Fn(&str, &str) -> String) -> Vec<Field> {
    let mut fields = Vec::new();
    if is_new {
        let hint = "Your own identifier of the customer. It cannot be changed later.";
        fields.push(Field::text("source_id", "Source id", value("source_id", "/source_id")).hint(hint));
    }
    fields.extend(PROFILE.map(|(name, label)| Field::text(name, label, value(name, &format!("/{name}")))));
    fields.extend(ADDRESS.map(|(name, label)| Field::text(name, label, value(name, &format!("/address/{name}")))));
    let hint = if is_new {
        "A JSON object."
    } else {
        "A JSON object. It is merged into the stored one: a key that is left out stays, and null is stored as null."
    };
    fields.push(Field::area("metadata", "Metadata", value("metadata", "/metadata")).hint(hint));
    fields
}

/// Returns the body of the request that creates the customer.
///
/// # Errors
/// What is wrong with the metadata.
pub fn new_customer(form: &Form) -> Result<Value, String> {
    let Value::Object(mut body) = changes(form, &Value::Null)? else { return Ok(Value::Null) };
    let source_id = form.text("source_id").trim();
    if !source_id.is_empty() {
        body.insert("source_id".to_owned(), source_id.into());
    }
    Ok(Value::Object(body))
}

/// Returns the body of the request that changes what differs from `customer`. A field that was emptied is sent as `null`.
///
/// # Errors
/// What is wrong with the metadata.
pub fn changes(form: &Form, customer: &Value) -> Result<Value, String> {
    let changed = |names: &[(&str, &str)], prefix: &str| {
        let mut members = Map::new();
        for (name, _) in names {
            let (new, old) = (form.text(name).trim(), text(customer, &format!("{prefix}/{name}")));
            if new != old.trim() {
                members.insert((*name).to_owned(), if new.is_empty() { Value::Null } else { new.into() });
            }
        }
        members
    };
    let mut body = changed(&PROFILE, "");
    let address = changed(&ADDRESS, "/address");
    if !address.is_empty() {
        body.insert("address".to_owned(), Value::Object(address));
    }
    if let Some(metadata) = form.json_object("metadata")? {
        let metadata = Value::Object(metadata);
        if customer.pointer("/metadata") != Some(&metadata) {
            body.insert("metadata".to_owned(), metadata);
        }
    }
    Ok(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(&text.to_owned().into())
    }

    #[test]
    fn only_what_was_changed_is_sent() {
        let customer = json!({"name": "Alice", "email": "a@b.c", "address": {"city": "Rome"}, "metadata": {"a": 1}});
        let sent = form("name=Bob&email=&city=Rome&metadata=%7B%22a%22%3A1%7D");
        assert_eq!(changes(&sent, &customer).unwrap(), json!({"name": "Bob", "email": null}));
        let sent = form("name=Alice&email=a%40b.c&city=&metadata=%7B%22b%22%3A2%7D");
        assert_eq!(changes(&sent, &customer).unwrap(), json!({"address": {"city": null}, "metadata": {"b": 2}}));
    }

    #[test]
    fn a_new_customer_has_what_was_entered() {
        let sent = form("source_id=s&name=Bob&email=&city=Rome&metadata=");
        let body = json!({"name": "Bob", "address": {"city": "Rome"}, "source_id": "s"});
        assert_eq!(new_customer(&sent).unwrap(), body);
        assert!(new_customer(&form("metadata=%5B%5D")).unwrap_err().contains("JSON object"));
    }
}
