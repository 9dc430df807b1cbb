//! Reads the objects of the API for pages.

use serde_json::Value;

use super::components::Cell;

/// Returns the text at a JSON pointer; a number or a boolean as its JSON, and an empty text where there is nothing.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Returns the items of the array at a JSON pointer.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the integer at a JSON pointer, or 0.
pub fn integer(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// Returns an amount, which the API shows in hundredths.
pub fn amount(value: &Value, pointer: &str) -> Cell {
    let Some(hundredths) = value.pointer(pointer).and_then(Value::as_i64) else { return Cell::text("") };
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    Cell { class: "number", ..Cell::text(format!("{sign}{whole}.{rest:02}")) }
}

/// Returns whether the value at a JSON pointer has members or items.
pub fn has_content(value: &Value, pointer: &str) -> bool {
    match value.pointer(pointer) {
        None | Some(Value::Null) => false,
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

/// Returns the number of objects in words.
pub fn count(number: i64, one: &str, several: &str) -> String {
    let name = if number == 1 { one } else { several };
    format!("{} {name}", super::components::grouped(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_shown_in_whole_units() {
        let shown = |number: i64| amount(&json!({"amount": number}), "/amount").text;
        assert_eq!([20_000, 5, -1_234, 0].map(shown), ["200.00", "0.05", "-12.34", "0.00"]);
        assert_eq!(amount(&json!({}), "/amount").text, "");
    }
}
