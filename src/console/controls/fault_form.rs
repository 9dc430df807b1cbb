//! The form that creates a fault. A new member of the API needs one more line in [`GROUPS`].

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::api::CONTRACT;
use crate::console::form::Form;

/// How the text of a field becomes a member of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A number. Another text is sent as it is, so that the API says what is wrong.
    Number,
    /// A number, or a range such as `100-300`.
    Range,
    /// Any JSON.
    Json,
    /// `true` if it is checked, and left out otherwise.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A field of the form. It has the name of the member.
pub struct FaultField {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    pub hint: &'static str,
}

/// Fields that belong together.
pub struct FieldGroup {
    pub title: &'static str,
    pub fields: &'static [FaultField],
}

const fn field(name: &'static str, label: &'static str, kind: Kind, hint: &'static str) -> FaultField {
    FaultField { name, label, kind, hint }
}

/// All fields, in the order in which they are shown.
pub const GROUPS: [FieldGroup; 4] = [
    FieldGroup {
        title: "Which calls it hits",
        fields: &[
            field(
                "operation",
                "Operation",
                Kind::Text,
                "The id of an operation of the contract. Without one, the next two count.",
            ),
            field("method", "Method", Kind::Text, "Empty: every method."),
            field(
                "path",
                "Path",
                Kind::Text,
                "* stands for one segment, ** at the end for the rest. Empty: every path of the vendors.",
            ),
        ],
    },
    FieldGroup {
        title: "How often",
        fields: &[
            field("skip", "Skip", Kind::Number, "So many matches pass first."),
            field("times", "Times", Kind::Number, "So many are hit then. Empty: all."),
            field("probability", "Probability", Kind::Number, "0 to 1."),
            field("seed", "Seed", Kind::Number, "An integer. The same seed hits the same matches."),
        ],
    },
    FieldGroup {
        title: "What happens",
        fields: &[
            field("status", "Status", Kind::Number, "400 to 599, with the body that the vendor answers then."),
            field("delay_ms", "Delay in milliseconds", Kind::Range, "A number, or a range such as 100-300."),
            field("connection", "Connection", Kind::Choice(&["reset", "truncate", "hang"]), "In place of a status."),
            field("retry_after_s", "Seconds to the next attempt", Kind::Number, "For the status 429."),
            field(
                "after",
                "Carry out the call first",
                Kind::Flag,
                "Its effect stays, and the client does not learn of it.",
            ),
            field("body", "Body as JSON", Kind::Json, "In place of the vendor's body."),
        ],
    },
    FieldGroup {
        title: "Instead of calls: webhook deliveries",
        fields: &[
            field(
                "webhook",
                "Webhook",
                Kind::Text,
                "* for every webhook, or an id. Leave the fields of calls empty then.",
            ),
            field("event", "Event", Kind::Text, "Such as customer.created. Empty: every event."),
            field("duplicate", "Duplicates", Kind::Number, "The message is sent so many times more."),
            field("fail", "Fail the attempt", Kind::Flag, "It counts as failed, and nothing is sent."),
        ],
    },
];

/// The methods to choose from.
pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The ids of the operations that a fault can hit: those of the vendors.
pub static OPERATIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let contract: Value = serde_json::from_str(CONTRACT).unwrap_or_default();
    let paths = contract.get("paths").and_then(Value::as_object).into_iter().flatten();
    let of_vendors = paths
        .filter(|(path, _)| ["/v1/", "/client/v1/", "/stickystreet/"].iter().any(|start| path.starts_with(start)))
        .filter_map(|(_, item)| item.as_object());
    let ids = of_vendors.flat_map(|item| item.values()).filter_map(|operation| operation.get("operationId")?.as_str());
    let mut ids: Vec<_> = ids.map(str::to_owned).collect();
    ids.sort_unstable();
    ids
});

/// Returns the body of the request that creates the fault. A field that is empty is left out.
///
/// # Errors
/// What is wrong with a text that no member of the API can express.
pub fn new_fault(form: &Form) -> Result<Value, String> {
    let mut body = Map::new();
    for field in GROUPS.iter().flat_map(|group| group.fields) {
        let text = form.text(field.name).trim();
        if text.is_empty() {
            continue;
        }
        let value = match field.kind {
            Kind::Text | Kind::Choice(_) => Value::from(text),
            Kind::Number => number(text),
            Kind::Range => range(text),
            Kind::Json => {
                serde_json::from_str(text).map_err(|error| format!("The field {} is not JSON: {error}", field.label))?
            }
            Kind::Flag => Value::from(true),
        };
        body.insert(field.name.to_owned(), value);
    }
    Ok(Value::Object(body))
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
}

fn range(text: &str) -> Value {
    match text.split_once('-') {
        Some((min, max)) if !min.is_empty() => json!({"min": number(min.trim()), "max": number(max.trim())}),
        _ => number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Result<Value, String> {
        new_fault(&Form::parse(&text.to_owned().into()))
    }

    #[test]
    fn fields_become_members() {
        let sent =
            "operation=create-customer&skip=1&times=&probability=0.5&delay_ms=100-300&after=on&body=%7B%22a%22%3A1%7D";
        let expected = json!({"operation": "create-customer", "skip": 1, "probability": 0.5,
            "delay_ms": {"min": 100, "max": 300}, "body": {"a": 1}, "after": true});
        assert_eq!(body(sent).unwrap(), expected);
        assert_eq!(body("delay_ms=20&status=503").unwrap(), json!({"status": 503, "delay_ms": 20}));
        assert_eq!(body("webhook=*&times=1&fail=on").unwrap(), json!({"times": 1, "webhook": "*", "fail": true}));
    }

    #[test]
    fn other_texts_are_left_to_the_api() {
        assert_eq!(body("skip=x&delay_ms=-5").unwrap(), json!({"skip": "x", "delay_ms": -5}));
        assert!(body("body=%7B").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn operations_are_those_of_the_vendors() {
        assert!(OPERATIONS.iter().any(|id| id == "create-customer"));
        assert!(!OPERATIONS.iter().any(|id| id.starts_with("emulator-")));
    }
}
