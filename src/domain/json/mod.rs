//! JSON text that is stored and passed on without parsing, and what the vendor's JavaScript server does with JSON.

pub mod compact;
pub mod javascript;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON text written by this program, and therefore known to be valid and compact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Serializes `value` as JSON, with its numbers as JavaScript writes them.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        let mut out = Vec::with_capacity(128);
        javascript::write(&mut out, value);
        // A serializer writes valid UTF-8, so the conversion cannot fail.
        Self(String::from_utf8(out).unwrap_or_else(|_| "null".to_owned()))
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
    fn the_path_of_a_nul_is_returned() {
        let value: Value = serde_json::json!({"a": ["x", {"b": "\0"}]});
        assert_eq!(path_of_nul(&value, "").as_deref(), Some(".a[1].b"));
        assert_eq!(path_of_nul(&serde_json::json!({"a": "\\u0000"}), ""), None);
    }
}
