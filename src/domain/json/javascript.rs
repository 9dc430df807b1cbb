//! JSON as JavaScript writes it. The vendor's server runs on Node.js, and receivers of webhooks verify a signature over
//! `JSON.stringify(JSON.parse(body))`. So every JSON object that a client sends and that is passed on is normalised when
//! it is written: parsing it and writing it again in JavaScript gives the same bytes.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Number, Value};

/// The largest array index of JavaScript, 2^32 - 2. Larger numbers are ordinary keys.
const MAX_ARRAY_INDEX: u32 = u32::MAX - 1;
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Appends `value` as compact JSON, with its numbers as JavaScript writes them.
pub fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing to a buffer cannot fail, and neither can the serialization: the types of this program and `Value` have
    // string keys and an infallible `Serialize`.
    let _ = value.serialize(&mut Serializer::with_formatter(out, NumberFormatter));
}

/// Writes floating-point numbers as JavaScript does.
struct NumberFormatter;

impl Formatter for NumberFormatter {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(double_text(value).as_bytes())
    }
}

/// Changes `value` to what JavaScript has after parsing it, at every level: integers that a double does not represent are
/// rounded, and the keys of objects are ordered as by [`order_keys`].
pub fn normalize(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(rounded) = rounded(number) {
                *number = rounded;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(members) => {
            members.values_mut().for_each(normalize);
            order_keys(members);
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Orders the keys of an object as JavaScript does: array indices first, ascending, then the others in their order.
pub fn order_keys(members: &mut Map<String, Value>) {
    if !members.keys().any(|key| array_index(key).is_some()) {
        return;
    }
    let mut ordered: Vec<_> = std::mem::take(members).into_iter().collect();
    // The sort is stable, so keys that are no index keep their order.
    ordered.sort_by_key(|(key, _)| index_or_last(key));
    members.extend(ordered);
}

/// Returns a sort key that puts array indices first, ascending.
#[must_use]
pub fn index_or_last(key: &str) -> u32 {
    array_index(key).unwrap_or(u32::MAX)
}

/// Returns the array index that a key is: a decimal number without leading zeros, up to 2^32 - 2.
fn array_index(key: &str) -> Option<u32> {
    let first = key.bytes().next()?;
    if !first.is_ascii_digit() || (first == b'0' && key.len() > 1) || key.len() > 10 {
        return None;
    }
    key.parse().ok().filter(|index| *index <= MAX_ARRAY_INDEX)
}

/// Returns the number that JavaScript has after parsing `number`, or `None` if that is the same number. A double that is
/// an integer is returned as an integer, where it fits into 64 bits.
fn rounded(number: &Number) -> Option<Number> {
    if let Some(integer) = number.as_i64()
        && integer.unsigned_abs() <= MAX_EXACT_INTEGER
    {
        return None;
    }
    let double = number.as_f64()?;
    if double.fract() != 0.0 {
        return None;
    }
    // The shortest digits that identify the double, padded with zeros, are what JavaScript writes below 1e21.
    let digits = double_text(double);
    let integer = digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
    integer.ok().or_else(|| Number::from_f64(double))
}

/// Returns a number as JavaScript writes it.
fn double_text(double: f64) -> String {
    let size = double.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        format!("{double}")
    } else {
        let text = format!("{double:e}");
        if size < 1.0 { text } else { text.replace('e', "e+") }
    }
}

/// Converts `value` to text like JavaScript's `String()`.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), double_text),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts = items.iter().map(|item| if item.is_null() { String::new() } else { text(item) });
            texts.collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// Returns the identifier that a client sent as a number: the digits of an integer, also beyond 2^53. `None` for numbers
/// that are no integers and for integers beyond 64 bits.
#[must_use]
pub fn identifier(number: &Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a double")]
    let is_exact_integer =
        number.as_f64().is_some_and(|double| double.fract() == 0.0 && double.abs() <= MAX_EXACT_INTEGER as f64);
    is_exact_integer.then(|| double_text(number.as_f64().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::JsonText;

    fn normalized(given: &str) -> String {
        let mut value: Value = serde_json::from_str(given).unwrap();
        normalize(&mut value);
        let written = JsonText::of(&value).as_str().to_owned();
        let mut again: Value = serde_json::from_str(&written).unwrap();
        normalize(&mut again);
        assert_eq!(JsonText::of(&again).as_str(), written, "the normal form of {given} is stable");
        written
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (given, written) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("1e3", "1000"),
            ("0.1", "0.1"),
            ("1.50", "1.5"),
            ("9007199254740993", "9007199254740992"),
            ("-9007199254740993", "-9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("9223372036854775807", "9223372036854776000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("18446744073709551615", "18446744073709552000"),
            ("18446744073709551616", "18446744073709552000"),
            ("123456789012345678901", "123456789012345680000"),
            ("1e20", "100000000000000000000"),
            ("999999999999999999999", "1e+21"),
            ("1e21", "1e+21"),
            ("-1.5e300", "-1.5e+300"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("0.00000015", "1.5e-7"),
            ("123456.789e3", "123456789"),
            ("1e-400", "0"),
            ("-42", "-42"),
        ] {
            assert_eq!(normalized(given), written, "{given}");
            assert_eq!(normalized(&format!("[{{\"a\":{given}}}]")), format!("[{{\"a\":{written}}}]"));
        }
    }

    #[test]
    fn array_indices_come_first_at_every_level() {
        for (given, written) in [
            (r#"{"vip":true,"2023":1}"#, r#"{"2023":1,"vip":true}"#),
            (r#"{"b":1,"10":2,"a":3,"9":4,"0":5}"#, r#"{"0":5,"9":4,"10":2,"b":1,"a":3}"#),
            (r#"{"z":[{"y":{"x":1,"7":2}}],"1":{"b":1,"1":2}}"#, r#"{"1":{"1":2,"b":1},"z":[{"y":{"7":2,"x":1}}]}"#),
            (r#"{"a":1,"4294967294":2}"#, r#"{"4294967294":2,"a":1}"#),
            // These keys are no array indices.
            (r#"{"a":1,"4294967295":2}"#, r#"{"a":1,"4294967295":2}"#),
            (
                r#"{"a":1,"01":2,"-1":3,"1.0":4,"":5,"1e1":6," 1":7,"+1":8,"99999999999":9}"#,
                r#"{"a":1,"01":2,"-1":3,"1.0":4,"":5,"1e1":6," 1":7,"+1":8,"99999999999":9}"#,
            ),
            // The last value of a repeated key counts, at the place of the first.
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        ] {
            assert_eq!(normalized(given), written);
        }
    }

    #[test]
    fn values_are_converted_to_text_as_javascript_converts_them() {
        for (given, written) in [
            ("null", "null"),
            ("true", "true"),
            ("\"a\"", "a"),
            ("1.50", "1.5"),
            ("-0.0", "0"),
            ("100", "100"),
            ("1e21", "1e+21"),
            ("[1,null,[\"a\",{}],true]", "1,,a,[object Object],true"),
            ("{\"a\":1}", "[object Object]"),
        ] {
            assert_eq!(text(&serde_json::from_str(given).unwrap()), written, "{given}");
        }
    }

    #[test]
    fn an_integer_is_an_identifier_by_its_digits() {
        let read = |given: &str| match serde_json::from_str(given).unwrap() {
            Value::Number(number) => identifier(&number),
            _ => unreachable!(),
        };
        for (given, digits) in [
            ("17", "17"),
            ("0", "0"),
            ("-0", "0"),
            ("-5", "-5"),
            ("17.0", "17"),
            ("1e3", "1000"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(read(given).as_deref(), Some(digits), "{given}");
        }
        for given in ["1.5", "1e20", "18446744073709551616", "1e-7"] {
            assert_eq!(read(given), None, "{given}");
        }
    }
}
