//! JSON text that is stored and passed on without parsing, and conversions that match the vendor's JavaScript server.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// JSON text written by this program, and therefore known to be valid and compact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Serializes `value` as JSON.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        // Serialization cannot fail: the types of this program and `Value` have string keys and an infallible
        // `Serialize`.
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    /// Wraps text that is known to be JSON, because this program wrote it or it was read from a `json` column.
    #[must_use]
    pub fn from_trusted(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }
}

/// The members of a JSON object as slices of its text. This is faster than parsing the values, for code that reads many
/// objects.
#[derive(Debug, Default)]
pub struct Members<'a>(Vec<(Key<'a>, &'a RawValue)>);

#[derive(Debug, Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    /// Returns the members of `json`, or no members if it is not an object.
    #[must_use]
    pub fn of(json: &'a str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// Returns the JSON text of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key.0 == name).map(|(_, value)| value.get())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Deserializes JSON that this program wrote, without a nesting limit: JSON from a client, nested up to the limit for
/// bodies, may be embedded in a structure of this program, which makes the whole deeper than that limit.
///
/// # Errors
/// Returns an error if the text does not match `T`.
pub fn read_back<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    T::deserialize(&mut deserializer)
}

/// Rewrites the numbers in `value` as JavaScript prints them, because the vendor's server runs on Node.js: `1.0`
/// becomes `1`, `-0` becomes `0`, and integers beyond 2^53 lose the digits that a double cannot represent.
pub fn normalize_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(rewritten) = javascript_number(number) {
                *number = rewritten;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize_numbers),
        Value::Object(members) => members.values_mut().for_each(normalize_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns `number` as JavaScript prints it, or `None` if that is the same number.
fn javascript_number(number: &Number) -> Option<Number> {
    const MAX_EXACT_INTEGER: u64 = 1 << 53;
    if let Some(integer) = number.as_i64()
        && integer.unsigned_abs() <= MAX_EXACT_INTEGER
    {
        return None;
    }
    let double = number.as_f64()?;
    if double.fract() != 0.0 {
        return None;
    }
    // `Display` writes the shortest digits that identify this double, padded with zeros, as JavaScript does below 1e21.
    let digits = if double == 0.0 { "0".to_owned() } else { format!("{double}") };
    digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok()
}

/// Converts `value` to text like JavaScript's `String()`.
#[must_use]
pub fn javascript_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts = items.iter().map(|item| if item.is_null() { String::new() } else { javascript_text(item) });
            texts.collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

fn number_text(number: &Number) -> String {
    let Some(double) = number.as_f64() else { return number.to_string() };
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

/// Returns the path, in the vendor's notation, of the first string or key in `value` that contains U+0000, which
/// PostgreSQL cannot store. `path` is the path of `value` itself.
#[must_use]
pub fn path_of_nul(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| path_of_nul(item, &format!("{path}[{index}]")))
        }
        Value::Object(members) => members.iter().find_map(|(key, member)| {
            if key.contains('\0') {
                return Some(path.to_owned());
            }
            path_of_nul(member, &format!("{path}.{key}"))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_returned_as_their_original_text() {
        let members = Members::of(r#"{"a":"x\"y","b\u0041":[1, {"c":null}],"d":1.50}"#);
        assert_eq!(members.get("a"), Some(r#""x\"y""#));
        assert_eq!(members.get("bA"), Some(r#"[1, {"c":null}]"#));
        assert_eq!((members.get("d"), members.get("c")), (Some("1.50"), None));
        assert_eq!(Members::of("[1]").get("a"), None);
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
            ("12345678901234567890", "12345678901234567000"),
            ("-42", "-42"),
        ] {
            let mut value: Value = serde_json::from_str(given).unwrap();
            normalize_numbers(&mut value);
            assert_eq!(value.to_string(), written, "{given}");
        }
    }

    #[test]
    fn values_are_written_as_javascript_writes_them() {
        for (given, written) in [
            ("null", "null"),
            ("true", "true"),
            ("\"a\"", "a"),
            ("1.50", "1.5"),
            ("-0.0", "0"),
            ("100", "100"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("-1.5e300", "-1.5e+300"),
            ("0.000001", "0.000001"),
            ("0.00000015", "1.5e-7"),
            ("[1,null,[\"a\",{}],true]", "1,,a,[object Object],true"),
            ("{\"a\":1}", "[object Object]"),
        ] {
            assert_eq!(javascript_text(&serde_json::from_str(given).unwrap()), written, "{given}");
        }
    }

    #[test]
    fn the_path_of_a_nul_is_returned() {
        let value: Value = serde_json::json!({"a": ["x", {"b": "\0"}]});
        assert_eq!(path_of_nul(&value, "").as_deref(), Some(".a[1].b"));
        assert_eq!(path_of_nul(&serde_json::json!({"a": "\\u0000"}), ""), None);
    }
}
