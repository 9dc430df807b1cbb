//! Reads a JSON body member by member, with the vendor's wording for the first thing that is wrong.

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::error::ApiError;
use crate::domain::json::{normalize_numbers, path_of_nul};
use crate::domain::limits;
use crate::domain::patch::Patch;
use crate::domain::timestamp;

/// An object of the body, and where in it it stands. Members are taken out; those that nobody takes are ignored, as the
/// vendor ignores them.
#[derive(Default)]
pub struct Object {
    members: Map<String, Value>,
    /// Empty for the body itself, else `.customer`, `.items[0]`.
    path: String,
}

impl Object {
    /// The body, which must be an object.
    pub fn of_body(body: Option<Value>) -> Result<Self, ApiError> {
        match body {
            Some(Value::Object(members)) => Ok(Self { members, path: String::new() }),
            _ => Err(ApiError::invalid_payload("Payload must be object")),
        }
    }

    /// An object that is one of an array as body.
    pub fn of_item(index: usize, item: Value) -> Result<Self, ApiError> {
        match item {
            Value::Object(members) => Ok(Self { members, path: format!("[{index}]") }),
            _ => Err(ApiError::invalid_payload(format!("Property [{index}] must be object"))),
        }
    }

    /// The same object, as if it were the body: what is wrong with it from now on is told of it alone.
    pub fn into_body(self) -> Self {
        Self { path: String::new(), ..self }
    }

    /// An object within the body, which stands at `path`.
    pub fn at(path: String, members: Map<String, Value>) -> Self {
        Self { members, path }
    }

    /// Whether the member is there, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The path of a member in messages.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn wrong(&self, name: &str, what: impl AsRef<str>) -> ApiError {
        ApiError::invalid_payload(format!("Property {} {}", self.path_of(name), what.as_ref()))
    }

    fn take(&mut self, name: &str) -> Patch<Value> {
        match self.members.remove(name) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Null,
            Some(value) => Patch::Value(value),
        }
    }

    /// The members that are left, in their order.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// That the member is there; at the top level and below, the vendor words it differently.
    pub fn require(&self, name: &str) -> Result<(), ApiError> {
        if self.members.contains_key(name) {
            return Ok(());
        }
        Err(ApiError::invalid_payload(if self.path.is_empty() {
            format!("Payload must have required property '{name}'")
        } else {
            format!("Property {} should have required property '{name}'", self.path)
        }))
    }

    /// A text of at most `most` characters.
    pub fn text(&mut self, name: &str, most: usize) -> Result<Patch<String>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::String(text)) => {
                if text.contains('\0') {
                    return Err(self.wrong(name, "must NOT contain the character U+0000"));
                }
                // No text has more characters than bytes.
                if text.len() > most && text.chars().count() > most {
                    return Err(self.wrong(name, format!("must NOT have more than {most} characters")));
                }
                Ok(Patch::Value(text))
            }
            Patch::Value(_) => Err(self.wrong(name, "must be string")),
        }
    }

    /// A text that is absent or not `null`.
    pub fn optional_text(&mut self, name: &str, most: usize) -> Result<Option<String>, ApiError> {
        self.text(name, most).map(Patch::value)
    }

    /// A text that must be there, of `least` to `most` characters.
    pub fn required_text(&mut self, name: &str, least: usize, most: usize) -> Result<String, ApiError> {
        self.require(name)?;
        let Patch::Value(text) = self.text(name, most)? else { return Err(self.wrong(name, "must be string")) };
        if text.chars().count() < least {
            return Err(self.wrong(name, format!("must NOT have fewer than {least} characters")));
        }
        Ok(text)
    }

    /// An ISO 8601 date or date and time, kept as it was sent.
    pub fn date_text(&mut self, name: &str) -> Result<Patch<String>, ApiError> {
        let text = self.text(name, limits::TEXT_CHARS)?;
        match &text {
            Patch::Value(date) if timestamp::parse(date).is_none() => Err(self.not_a_date(name)),
            _ => Ok(text),
        }
    }

    /// An ISO 8601 date or date and time, as a moment.
    pub fn time(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(text) = self.optional_text(name, limits::TEXT_CHARS)? else { return Ok(None) };
        timestamp::parse(&text).map(Some).ok_or_else(|| self.not_a_date(name))
    }

    fn not_a_date(&self, name: &str) -> ApiError {
        self.wrong(name, "cannot be recognized as a ISO-8601 compliant date")
    }

    /// An integer that JavaScript keeps exactly; `1.0` is one.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(mut value) => {
                normalize_numbers(&mut value);
                let integer = value.as_i64().ok_or_else(|| self.wrong(name, "must be integer"))?;
                if integer > limits::INTEGER {
                    return Err(self.wrong(name, format!("cannot be higher than {}", limits::INTEGER)));
                }
                if integer < -limits::INTEGER {
                    return Err(self.wrong(name, format!("cannot be lower than -{}", limits::INTEGER)));
                }
                Ok(Some(integer))
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Patch<bool>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::Bool(value)) => Ok(Patch::Value(value)),
            Patch::Value(_) => Err(self.wrong(name, "must be boolean")),
        }
    }

    /// `true` or `false`, which must be there.
    pub fn required_boolean(&mut self, name: &str) -> Result<bool, ApiError> {
        self.require(name)?;
        self.boolean(name)?.value().ok_or_else(|| self.wrong(name, "must be boolean"))
    }

    /// A number of any kind.
    pub fn number(&mut self, name: &str) -> Result<Option<Number>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(Value::Number(number)) => Ok(Some(number)),
            Patch::Value(_) => Err(self.wrong(name, "must be number")),
        }
    }

    /// One of `allowed`, as `parse` reads it.
    pub fn one_of<T>(
        &mut self,
        name: &str,
        allowed: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.optional_text(name, limits::TEXT_CHARS)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            self.wrong(name, format!("must be equal to one of the allowed values [ {} ]", allowed.join(", ")))
        })
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Result<Patch<Self>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::Object(members)) => Ok(Patch::Value(Self { members, path: self.path_of(name) })),
            Patch::Value(_) => Err(self.wrong(name, "must be object")),
        }
    }

    /// The members that are left, at most `most`, each of which must be an object, with their names.
    pub fn into_objects(self, most: usize) -> Result<Vec<(String, Self)>, ApiError> {
        if self.members.len() > most {
            let details = format!("Property {} must NOT have more than {most} properties", self.path);
            return Err(ApiError::invalid_payload(details));
        }
        let path = self.path;
        self.members
            .into_iter()
            .map(|(name, member)| {
                let path = format!("{path}.{name}");
                match member {
                    _ if name.contains('\0') || name.chars().count() > limits::TEXT_CHARS => {
                        Err(ApiError::invalid_payload(format!(
                            "Property {path} must have a name of at most {} characters, without U+0000",
                            limits::TEXT_CHARS
                        )))
                    }
                    Value::Object(members) => Ok((name, Self { members, path })),
                    _ => Err(ApiError::invalid_payload(format!("Property {path} must be object"))),
                }
            })
            .collect()
    }

    /// An array of at most `most` items.
    pub fn array(&mut self, name: &str, most: usize) -> Result<Option<Vec<Value>>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(Value::Array(items)) if items.len() > most => {
                Err(self.wrong(name, format!("must NOT have more than {most} items")))
            }
            Patch::Value(Value::Array(items)) => Ok(Some(items)),
            Patch::Value(_) => Err(self.wrong(name, "must be array")),
        }
    }

    /// An array of at most `most` objects.
    pub fn objects(&mut self, name: &str, most: usize) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(items) = self.array(name, most)? else { return Ok(None) };
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let name = format!("{name}[{index}]");
                match item {
                    Value::Object(members) => Ok(Self { members, path: self.path_of(&name) }),
                    _ => Err(self.wrong(&name, "must be object")),
                }
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An array of at most `most` texts.
    pub fn texts(&mut self, name: &str, most: usize) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.array(name, most)? else { return Ok(None) };
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(text) if !text.contains('\0') => Ok(text),
                _ => Err(self.wrong(&format!("{name}[{index}]"), "must be string")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An object of the client's own keys and values, its numbers as JavaScript writes them.
    pub fn metadata(&mut self, name: &str) -> Result<Patch<Map<String, Value>>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(mut value) => {
                if let Some(path) = path_of_nul(&value, &self.path_of(name)) {
                    let details = format!("Property {path} must NOT contain the character U+0000");
                    return Err(ApiError::invalid_payload(details));
                }
                normalize_numbers(&mut value);
                match value {
                    Value::Object(members) => Ok(Patch::Value(members)),
                    _ => Err(self.wrong(name, "must be object")),
                }
            }
        }
    }
}
