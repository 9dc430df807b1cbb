//! Reads a JSON body member by member, and reports the first invalid member in the vendor's words.

use std::borrow::Cow;
use std::mem;

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::body_path::BodyPath;
use super::error::ApiError;
use super::unread::Reading;
use crate::domain::json::{javascript, path_of_nul};
use crate::domain::limits;
use crate::domain::patch::Patch;
use crate::domain::timestamp;

/// A JSON object of the body, with its path in the body. Reading a member removes it. Members that are never read are ignored,
/// as the vendor ignores them: they are noted as unread when the object is dropped, and a strict project refuses them.
pub struct Object<'r> {
    members: Map<String, Value>,
    path: BodyPath,
    reading: &'r Reading,
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        if !self.members.is_empty() {
            for name in mem::take(&mut self.members).into_iter().map(|(name, _)| name) {
                self.reading.add(&self.path, name);
            }
        }
    }
}

impl<'r> Object<'r> {
    /// Returns the body, which must be an object.
    pub fn of_body(body: Option<Value>, reading: &'r Reading) -> Result<Self, ApiError> {
        match body {
            Some(Value::Object(members)) => Ok(Self { members, path: BodyPath::default(), reading }),
            _ => Err(ApiError::invalid_payload("Payload must be object")),
        }
    }

    /// Returns the object at a place of a larger document.
    pub fn at(path: BodyPath, members: Map<String, Value>, reading: &'r Reading) -> Self {
        Self { members, path, reading }
    }

    /// Returns the item at `index` of a body that is an array; the item must be an object.
    pub fn of_item(index: usize, item: Value, reading: &'r Reading) -> Result<Self, ApiError> {
        match item {
            Value::Object(members) => Ok(Self { members, path: BodyPath::default().item(index), reading }),
            _ => Err(ApiError::invalid_payload(format!("Property [{index}] must be object"))),
        }
    }

    /// Returns the same item as [`Object::of_item`], so that later error messages are relative to it.
    pub fn into_record(mut self, index: usize) -> Self {
        self.path = BodyPath::record(index);
        self
    }

    /// Returns an object that is the member `name` of this one.
    pub fn child(&self, name: impl Into<Cow<'static, str>>, members: Map<String, Value>) -> Self {
        Self { members, path: self.path.member(name), reading: self.reading }
    }

    /// Returns whether the member is present; `null` counts as present.
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns whether the member is present and not `null`.
    pub fn has_value(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Returns the path of a member, as error messages show it.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path.text())
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

    /// Removes members that the operation knows and deliberately does not use.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Notes a member as unread that was read only to be checked.
    pub fn mark_unread(&self, name: &str) {
        self.reading.add(&self.path, name.to_owned());
    }

    /// Returns the members that have not been read, in their order. They count as read.
    pub fn take_members(&mut self) -> Map<String, Value> {
        mem::take(&mut self.members)
    }

    /// Checks that the member is present. The vendor uses different messages for the body itself and for nested objects.
    pub fn require(&self, name: &str) -> Result<(), ApiError> {
        if self.members.contains_key(name) {
            return Ok(());
        }
        let path = self.path.text();
        Err(ApiError::invalid_payload(if path.is_empty() {
            format!("Payload must have required property '{name}'")
        } else {
            format!("Property {path} should have required property '{name}'")
        }))
    }

    /// Reads a text of at most `max` characters.
    pub fn text(&mut self, name: &str, max: usize) -> Result<Patch<String>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::String(text)) => {
                if text.contains('\0') {
                    return Err(self.wrong(name, "must NOT contain the character U+0000"));
                }
                // A text never has more characters than bytes, so that short texts need not be counted.
                if text.len() > max && text.chars().count() > max {
                    return Err(self.wrong(name, format!("must NOT have more than {max} characters")));
                }
                Ok(Patch::Value(text))
            }
            Patch::Value(_) => Err(self.wrong(name, "must be string")),
        }
    }

    /// Reads a text of at most `max` characters; `null` counts as absent.
    pub fn optional_text(&mut self, name: &str, max: usize) -> Result<Option<String>, ApiError> {
        self.text(name, max).map(Patch::value)
    }

    /// Reads a required text of `min` to `max` characters.
    pub fn required_text(&mut self, name: &str, min: usize, max: usize) -> Result<String, ApiError> {
        self.require(name)?;
        let Patch::Value(text) = self.text(name, max)? else { return Err(self.wrong(name, "must be string")) };
        if text.chars().count() < min {
            return Err(self.wrong(name, format!("must NOT have fewer than {min} characters")));
        }
        Ok(text)
    }

    /// Reads an identifier of at most [`limits::TEXT_CHARS`] characters; `null` counts as absent. An integer is accepted as its digits,
    /// because the identifiers of many systems are integers, and their programs send them as such. A strict project refuses it.
    pub fn identifier(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        self.digits_to_text(name);
        self.optional_text(name, limits::TEXT_CHARS)
    }

    /// Reads a required identifier of 1 to [`limits::TEXT_CHARS`] characters.
    pub fn required_identifier(&mut self, name: &str) -> Result<String, ApiError> {
        self.digits_to_text(name);
        self.required_text(name, 1, limits::TEXT_CHARS)
    }

    /// Reads an array of at most `max` identifiers.
    pub fn identifiers(&mut self, name: &str, max: usize) -> Result<Option<Vec<String>>, ApiError> {
        if !self.reading.is_strict()
            && let Some(Value::Array(items)) = self.members.get_mut(name)
        {
            items.iter_mut().for_each(identifier_to_text);
        }
        self.texts(name, max)
    }

    fn digits_to_text(&mut self, name: &str) {
        if !self.reading.is_strict()
            && let Some(value) = self.members.get_mut(name)
        {
            identifier_to_text(value);
        }
    }

    /// Reads an ISO 8601 date, or date and time, and returns its text unchanged.
    pub fn date_text(&mut self, name: &str) -> Result<Patch<String>, ApiError> {
        let text = self.text(name, limits::TEXT_CHARS)?;
        match &text {
            Patch::Value(date) if timestamp::parse(date).is_none() => Err(self.not_a_date(name)),
            _ => Ok(text),
        }
    }

    /// Reads an ISO 8601 date, or date and time, as a point in time.
    pub fn time(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(text) = self.optional_text(name, limits::TEXT_CHARS)? else { return Ok(None) };
        timestamp::parse(&text).map(Some).ok_or_else(|| self.not_a_date(name))
    }

    fn not_a_date(&self, name: &str) -> ApiError {
        self.wrong(name, "cannot be recognized as a ISO-8601 compliant date")
    }

    /// Reads an integer that JavaScript represents exactly; `1.0` counts as an integer.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(mut value) => {
                javascript::normalize(&mut value);
                let integer = value.as_i64().ok_or_else(|| self.wrong(name, "must be integer"))?;
                if integer > limits::MAX_INTEGER {
                    return Err(self.wrong(name, format!("cannot be higher than {}", limits::MAX_INTEGER)));
                }
                if integer < -limits::MAX_INTEGER {
                    return Err(self.wrong(name, format!("cannot be lower than -{}", limits::MAX_INTEGER)));
                }
                Ok(Some(integer))
            }
        }
    }

    /// Reads an integer that is not lower than `min`.
    pub fn integer_of_at_least(&mut self, name: &str, min: i64) -> Result<Option<i64>, ApiError> {
        let integer = self.integer(name)?;
        if integer.is_some_and(|integer| integer < min) {
            return Err(self.wrong(name, format!("cannot be lower than {min}")));
        }
        Ok(integer)
    }

    /// Reads a boolean.
    pub fn boolean(&mut self, name: &str) -> Result<Patch<bool>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::Bool(value)) => Ok(Patch::Value(value)),
            Patch::Value(_) => Err(self.wrong(name, "must be boolean")),
        }
    }

    /// Reads a required boolean.
    pub fn required_boolean(&mut self, name: &str) -> Result<bool, ApiError> {
        self.require(name)?;
        self.boolean(name)?.value().ok_or_else(|| self.wrong(name, "must be boolean"))
    }

    /// Reads a number, integer or not.
    pub fn number(&mut self, name: &str) -> Result<Option<Number>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(Value::Number(number)) => Ok(Some(number)),
            Patch::Value(_) => Err(self.wrong(name, "must be number")),
        }
    }

    /// Reads one of the texts in `allowed`, converted by `parse`.
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

    /// Returns whether the member is an object.
    pub fn is_object(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(Value::is_object)
    }

    /// Reads a member of any type; `null` counts as absent.
    pub fn any(&mut self, name: &str) -> Option<Value> {
        self.take(name).value()
    }

    /// Reads an object.
    pub fn object(&mut self, name: &'static str) -> Result<Patch<Self>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(Value::Object(members)) => Ok(Patch::Value(self.child(name, members))),
            Patch::Value(_) => Err(self.wrong(name, "must be object")),
        }
    }

    /// Reads an object; one that is absent or `null` counts as empty.
    pub fn object_or_empty(&mut self, name: &'static str) -> Result<Self, ApiError> {
        Ok(self.object(name)?.value().unwrap_or_else(|| self.child(name, Map::new())))
    }

    /// Returns the members that have not been read with their names. There may be at most `max`, and each must be an object.
    pub fn into_objects(mut self, max: usize) -> Result<Vec<(String, Self)>, ApiError> {
        let members = self.take_members();
        if members.len() > max {
            let details = format!("Property {} must NOT have more than {max} properties", self.path.text());
            return Err(ApiError::invalid_payload(details));
        }
        members
            .into_iter()
            .map(|(name, member)| match member {
                _ if name.contains('\0') || name.chars().count() > limits::TEXT_CHARS => Err(self.wrong(
                    &name,
                    format!("must have a name of at most {} characters, without U+0000", limits::TEXT_CHARS),
                )),
                Value::Object(members) => {
                    let object = self.child(name.clone(), members);
                    Ok((name, object))
                }
                _ => Err(self.wrong(&name, "must be object")),
            })
            .collect()
    }

    /// Reads an array of at most `max` items.
    pub fn array(&mut self, name: &str, max: usize) -> Result<Option<Vec<Value>>, ApiError> {
        match self.take(name) {
            Patch::Absent | Patch::Null => Ok(None),
            Patch::Value(Value::Array(items)) if items.len() > max => {
                Err(self.wrong(name, format!("must NOT have more than {max} items")))
            }
            Patch::Value(Value::Array(items)) => Ok(Some(items)),
            Patch::Value(_) => Err(self.wrong(name, "must be array")),
        }
    }

    /// Reads an array of at most `max` objects.
    pub fn objects(&mut self, name: &'static str, max: usize) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(items) = self.array(name, max)? else { return Ok(None) };
        let path = self.path.member(name);
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(members) => Ok(Self { members, path: path.item(index), reading: self.reading }),
                _ => Err(self.wrong(&format!("{name}[{index}]"), "must be object")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Reads an array of at most `max` texts.
    pub fn texts(&mut self, name: &str, max: usize) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.array(name, max)? else { return Ok(None) };
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

    /// Reads an object whose keys and values the client chooses. It is normalised as JavaScript writes it.
    pub fn metadata(&mut self, name: &str) -> Result<Patch<Map<String, Value>>, ApiError> {
        match self.take(name) {
            Patch::Absent => Ok(Patch::Absent),
            Patch::Null => Ok(Patch::Null),
            Patch::Value(mut value) => {
                if let Some(path) = path_of_nul(&value, &self.path_of(name)) {
                    let details = format!("Property {path} must NOT contain the character U+0000");
                    return Err(ApiError::invalid_payload(details));
                }
                javascript::normalize(&mut value);
                match value {
                    Value::Object(members) => Ok(Patch::Value(members)),
                    _ => Err(self.wrong(name, "must be object")),
                }
            }
        }
    }
}

/// Replaces an integer by the text of its digits.
fn identifier_to_text(value: &mut Value) {
    if let Value::Number(number) = value
        && let Some(digits) = javascript::identifier(number)
    {
        *value = Value::String(digits);
    }
}
