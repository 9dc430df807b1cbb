//! Writes JSON objects member by member.

use chrono::{DateTime, Utc};

use crate::domain::json::JsonText;
use crate::domain::timestamp;

/// Appends a JSON object to a buffer. Member names are constants of the vendor's API and need no escaping.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Continues the object at the end of a buffer, which has at least one member, to append further members.
    pub fn reopen(out: &'a mut Vec<u8>) -> Self {
        out.pop();
        Self { out, is_empty: false }
    }

    fn write_name(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Writes a member with text, escaped.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.write_name(name);
        // Writing to a buffer cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, text);
        self
    }

    /// Writes a member with text; `null` for `None`.
    pub fn nullable_text(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// Writes a member with JSON, unchanged.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.write_name(name);
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// Writes a member with stored JSON; nothing for `None`.
    pub fn optional_json(&mut self, name: &str, json: Option<&JsonText>) -> &mut Self {
        if let Some(json) = json {
            self.raw(name, json.as_str());
        }
        self
    }

    /// Writes a member with an integer.
    pub fn number(&mut self, name: &str, number: i64) -> &mut Self {
        self.write_name(name);
        let _ = serde_json::to_writer(&mut *self.out, &number);
        self
    }

    /// Writes a member with a boolean.
    pub fn boolean(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Writes a member with a time.
    pub fn time(&mut self, name: &str, time: DateTime<Utc>) -> &mut Self {
        self.write_name(name);
        self.out.push(b'"');
        timestamp::write(self.out, time);
        self.out.push(b'"');
        self
    }

    /// Writes a member with a time; nothing for `None`.
    pub fn optional_time(&mut self, name: &str, time: Option<DateTime<Utc>>) -> &mut Self {
        if let Some(time) = time {
            self.time(name, time);
        }
        self
    }

    /// Writes a member with a time; `null` for `None`.
    pub fn nullable_time(&mut self, name: &str, time: Option<DateTime<Utc>>) -> &mut Self {
        match time {
            Some(time) => self.time(name, time),
            None => self.raw(name, "null"),
        }
    }

    /// Writes a member whose value `write` appends.
    pub fn with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.write_name(name);
        write(self.out);
        self
    }

    /// Writes a member with an object, whose members `write` appends.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        self.with(name, |out| {
            let mut object = ObjectWriter::new(out);
            write(&mut object);
            object.end();
        })
    }

    /// Writes a member with an array, of which `write` appends each item.
    pub fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) -> &mut Self {
        self.with(name, |out| {
            out.push(b'[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        })
    }

    /// Copies the members of a stored JSON object into this one.
    pub fn members_of(&mut self, object: &JsonText) -> &mut Self {
        self.raw_members(members(object.as_str()))
    }

    /// Writes serialized members, separated by commas, unchanged.
    pub fn raw_members(&mut self, members: &str) -> &mut Self {
        if !members.is_empty() {
            if !self.is_empty {
                self.out.push(b',');
            }
            self.is_empty = false;
            self.out.extend_from_slice(members.as_bytes());
        }
        self
    }

    /// Ends the object.
    pub fn end(&mut self) {
        self.out.push(b'}');
    }
}

/// Returns the serialized members of a JSON object, separated by commas.
#[must_use]
pub fn members(object: &str) -> &str {
    object.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default()
}

/// Returns the JSON that `write` appends to a buffer.
#[must_use]
pub fn rendered(write: impl FnOnce(&mut Vec<u8>)) -> JsonText {
    let mut out = Vec::with_capacity(1024);
    write(&mut out);
    // All parts are written from valid UTF-8, so the conversion cannot fail.
    JsonText::from_trusted(String::from_utf8(out).unwrap_or_else(|_| "null".to_owned()))
}
