//! The form that builds a filter: rows with a field, an operator and values.

use serde_json::{Map, Value, json};

use crate::console::form::Form;

/// How many conditions the form has.
const CONDITIONS: usize = 5;

/// The types of segments, with what they do.
pub const TYPES: [(&str, &str); 3] = [
    ("auto-update", "auto-update: a filter, with activity entries and webhooks"),
    ("passive", "passive: a filter, without them"),
    ("static", "static: a list of customers"),
];

/// The fields that the form suggests. Metadata keys, events and campaigns have names of their own.
pub const FIELDS: [&str; 31] = [
    "id",
    "source_id",
    "name",
    "description",
    "email",
    "phone",
    "birthday",
    "birthdate",
    "address.city",
    "address.state",
    "address.line_1",
    "address.line_2",
    "address.country",
    "address.postal_code",
    "created_at",
    "updated_at",
    "metadata.lang",
    "events.page_view.count",
    "summary.orders.total_amount",
    "summary.orders.total_count",
    "summary.orders.average_amount",
    "summary.orders.last_order_amount",
    "summary.orders.last_order_date",
    "loyalty.points",
    "loyalty.referred_customers",
    "summary.redemptions.total_redeemed",
    "summary.redemptions.total_succeeded",
    "summary.redemptions.gift.redeemed_amount",
    "summary.redemptions.loyalty_card.redeemed_points",
    "system_metadata.source",
    "system_metadata.web_widget.widgets",
];

/// A row of the form.
pub struct ConditionRow {
    pub number: usize,
    pub field: String,
    pub operator: String,
    pub values: String,
}

/// Returns the rows with what was sent.
pub fn rows(form: &Form) -> Vec<ConditionRow> {
    (1..=CONDITIONS)
        .map(|number| {
            let text = |name: &str| form.text(&format!("{name}-{number}")).to_owned();
            let operator = Some(text("operator")).filter(|operator| !operator.is_empty());
            ConditionRow {
                number,
                field: text("field"),
                operator: operator.unwrap_or_else(|| "$is".to_owned()),
                values: text("values"),
            }
        })
        .collect()
}

/// Returns the body of the request that creates the segment. What it means is decided by the API alone.
///
/// # Errors
/// What is wrong with the JSON of the filter.
pub fn new_segment(form: &Form) -> Result<Value, String> {
    let (name, kind) = (form.text("name").trim(), form.text("type"));
    if kind == "static" {
        return Ok(json!({"name": name, "type": kind, "customers": lines(form.text("customers"))}));
    }
    let filter = match form.json_object("filter")? {
        Some(filter) => filter,
        None => filter_of(form.text("junction"), &rows(form)),
    };
    Ok(json!({"name": name, "type": kind, "filter": filter}))
}

/// Returns the filter of the rows that have a field. Conditions on the same field are combined.
fn filter_of(junction: &str, rows: &[ConditionRow]) -> Map<String, Value> {
    let mut filter = Map::new();
    filter.insert("junction".to_owned(), if junction == "or" { "or".into() } else { "and".into() });
    for row in rows.iter().filter(|row| !row.field.trim().is_empty()) {
        let field = filter.entry(row.field.trim()).or_insert_with(|| json!({"conditions": {}}));
        if let Some(conditions) = field.get_mut("conditions").and_then(Value::as_object_mut) {
            let values = conditions.entry(row.operator.as_str()).or_insert_with(|| json!([]));
            if let Some(values) = values.as_array_mut() {
                values.extend(lines(&row.values).into_iter().map(|value| match value {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    text => Value::String(text.to_owned()),
                }));
            }
        }
    }
    filter
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Form::parse(&text.into())
    }

    #[test]
    fn conditions_on_one_field_are_combined() {
        let sent = form(&[
            ("name", "Berlin"),
            ("type", "auto-update"),
            ("junction", "or"),
            ("field-1", "address.city"),
            ("operator-1", "$is"),
            ("values-1", "Berlin\r\nRome\r\n"),
            ("field-2", "created_at"),
            ("operator-2", "$today"),
            ("values-2", "true"),
            ("field-3", "address.city"),
            ("operator-3", "$is_not"),
            ("values-3", "Paris"),
            ("field-4", ""),
            ("operator-4", "$is"),
        ]);
        let filter = json!({
            "junction": "or",
            "address.city": {"conditions": {"$is": ["Berlin", "Rome"], "$is_not": ["Paris"]}},
            "created_at": {"conditions": {"$today": [true]}}
        });
        assert_eq!(new_segment(&sent).unwrap(), json!({"name": "Berlin", "type": "auto-update", "filter": filter}));
    }

    #[test]
    fn a_filter_as_json_takes_precedence() {
        let sent = form(&[("name", "a"), ("type", "passive"), ("filter", r#"{"junction": "and"}"#), ("field-1", "id")]);
        assert_eq!(new_segment(&sent).unwrap()["filter"], json!({"junction": "and"}));
        assert!(new_segment(&form(&[("type", "passive"), ("filter", "{")])).is_err());
    }

    #[test]
    fn a_static_segment_has_customers() {
        let sent = form(&[("name", "a"), ("type", "static"), ("customers", "cust_1\n\ncust_2")]);
        assert_eq!(
            new_segment(&sent).unwrap(),
            json!({"name": "a", "type": "static", "customers": ["cust_1", "cust_2"]})
        );
    }
}
