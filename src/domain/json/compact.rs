//! Parses JSON from clients into values that take less memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses JSON like [`serde_json::from_slice`]. Arrays have no spare capacity: that of many small arrays takes more
/// memory than their items.
///
/// # Errors
/// Returns an error if `json` is not JSON, or is nested too deeply.
pub fn parse(json: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = CompactValue.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct CompactValue;

impl<'de> DeserializeSeed<'de> for CompactValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CompactValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Self)? {
            if values.is_empty() {
                values.reserve_exact(1);
            }
            values.push(value);
        }
        values.shrink_to_fit();
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            members.insert(name, entries.next_value_seed(Self)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_serde_json() {
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        let (allowed, refused) = (deep(127), deep(128));
        for json in [
            r#" {"b":[1,-2,3.5,1e400,true,null,"\u00e9\n",{}],"a":[],"b":{"x":18446744073709551615,"1":-0.0}} "#,
            "[[0],[0,1],[[]]]",
            "123456789012345678901234567890",
            "\"text\"",
            "",
            "[1,]",
            "[1] 2",
            "{\"a\"}",
            "nul",
            "\"\\ud800\"",
            &allowed,
            &refused,
        ] {
            let expected = serde_json::from_slice::<Value>(json.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(parse(json.as_bytes()).map_err(|error| error.to_string()), expected, "{json}");
        }
    }
}
