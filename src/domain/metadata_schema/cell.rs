//! Conversion of the text in a CSV cell to a metadata value.

use serde_json::{Number, Value};

use super::definition::{Definition, MetadataType};
use crate::domain::json::javascript;

/// Converts a cell to a value of the type in its definition, or to text without a definition. A cell that cannot be
/// converted stays text, so that the validation reports the error.
#[must_use]
pub fn value_of_cell(cell: String, definition: Option<&Definition>) -> Value {
    match definition {
        Some(Definition { kind, array: true, .. }) => {
            let elements: Vec<_> = cell.split(',').map(str::trim).filter(|element| !element.is_empty()).collect();
            // A geopoint contains a comma itself, so it consists of two parts.
            let per_element = if *kind == MetadataType::Geopoint { 2 } else { 1 };
            elements.chunks(per_element).map(|parts| typed(*kind, &parts.join(","))).collect()
        }
        Some(Definition { kind: kind @ (MetadataType::Number | MetadataType::Boolean), .. }) => typed(*kind, &cell),
        _ => Value::String(cell),
    }
}

fn typed(kind: MetadataType, text: &str) -> Value {
    let trimmed = text.trim();
    let value = match kind {
        MetadataType::Number => number(trimmed),
        MetadataType::Boolean if trimmed.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        MetadataType::Boolean if trimmed.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        MetadataType::Boolean if trimmed.eq_ignore_ascii_case("null") => Some(Value::Null),
        _ => None,
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Parses a decimal number. Rejects words like `NaN`, which Rust parses as numbers.
fn number(text: &str) -> Option<Value> {
    let is_decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let integer = text.parse::<i64>().ok().map(Number::from);
    let number = integer.or_else(|| text.parse().ok().filter(|_| is_decimal).and_then(Number::from_f64))?;
    let mut value = Value::Number(number);
    javascript::normalize(&mut value);
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: MetadataType, array: bool, cell: &str) -> Value {
        let definition = Definition { array, ..Definition::new(kind, true) };
        value_of_cell(cell.to_owned(), Some(&definition))
    }

    #[test]
    fn a_cell_is_converted_to_the_type_of_its_definition() {
        for (kind, cell, value) in [
            (MetadataType::Number, "5", json!(5)),
            (MetadataType::Number, " -1.50 ", json!(-1.5)),
            (MetadataType::Number, "1.0", json!(1)),
            (MetadataType::Number, "+05", json!(5)),
            (MetadataType::Number, "1e3", json!(1000)),
            (MetadataType::Number, "9007199254740993", json!(9_007_199_254_740_992_i64)),
            (MetadataType::Number, "x", json!("x")),
            (MetadataType::Number, "NaN", json!("NaN")),
            (MetadataType::Number, "inf", json!("inf")),
            (MetadataType::Number, "1e999", json!("1e999")),
            (MetadataType::Number, "1 000", json!("1 000")),
            (MetadataType::Number, "0x10", json!("0x10")),
            (MetadataType::Boolean, "true", json!(true)),
            (MetadataType::Boolean, "FALSE", json!(false)),
            (MetadataType::Boolean, "null", json!(null)),
            (MetadataType::Boolean, "1", json!("1")),
            (MetadataType::String, "5", json!("5")),
            (MetadataType::String, " a, b ", json!(" a, b ")),
            (MetadataType::Date, "2022-03-11", json!("2022-03-11")),
            (MetadataType::Geopoint, "52.52,13.40", json!("52.52,13.40")),
            (MetadataType::Object, "{}", json!("{}")),
        ] {
            assert_eq!(read(kind, false, cell), value, "{kind:?} {cell}");
        }
        assert_eq!(value_of_cell("5".to_owned(), None), json!("5"));
    }

    #[test]
    fn an_array_is_split_at_commas() {
        for (kind, cell, value) in [
            (MetadataType::String, "Nike,Fenty, Reebok", json!(["Nike", "Fenty", "Reebok"])),
            (MetadataType::String, "Nike", json!(["Nike"])),
            (MetadataType::String, "a,,b,", json!(["a", "b"])),
            (MetadataType::Number, "1, 2.5,x", json!([1, 2.5, "x"])),
            (MetadataType::Boolean, "true,false", json!([true, false])),
            (MetadataType::Geopoint, "52.52,13.40,1,2", json!(["52.52,13.40", "1,2"])),
            (MetadataType::Geopoint, "52.52", json!(["52.52"])),
        ] {
            assert_eq!(read(kind, true, cell), value, "{kind:?} {cell}");
        }
    }
}
