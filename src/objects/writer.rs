//! Writes one JSON object, member by member.

use chrono::{DateTime, Utc};

use crate::domain::json::JsonText;
use crate::domain::timestamp;

/// Appends a JSON object to a buffer. Member names are the vendor's own and need no escaping.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens the object.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A member with text, escaped.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        // Writing to a buffer does not fail.
        let _ = serde_json::to_writer(&mut *self.out, text);
        self
    }

    /// A member with text, or `null`.
    pub fn nullable_text(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// A member with JSON as it stands.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// A member with stored JSON, absent where there is none.
    pub fn optional_json(&mut self, name: &str, json: Option<&JsonText>) -> &mut Self {
        if let Some(json) = json {
            self.raw(name, json.as_str());
        }
        self
    }

    /// A member with an integer.
    pub fn number(&mut self, name: &str, number: i64) -> &mut Self {
        self.name(name);
        let _ = serde_json::to_writer(&mut *self.out, &number);
        self
    }

    /// A member with a boolean.
    pub fn boolean(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// A member with a time.
    pub fn time(&mut self, name: &str, time: DateTime<Utc>) -> &mut Self {
        self.name(name);
        self.out.push(b'"');
        timestamp::write(self.out, time);
        self.out.push(b'"');
        self
    }

    /// A member with a time, absent where there is none.
    pub fn optional_time(&mut self, name: &str, time: Option<DateTime<Utc>>) -> &mut Self {
        if let Some(time) = time {
            self.time(name, time);
        }
        self
    }

    /// A member with a time, or `null`.
    pub fn nullable_time(&mut self, name: &str, time: Option<DateTime<Utc>>) -> &mut Self {
        match time {
            Some(time) => self.time(name, time),
            None => self.raw(name, "null"),
        }
    }

    /// A member that `write` writes.
    pub fn with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.name(name);
        write(self.out);
        self
    }

    /// A member that is an object, which `write` fills.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        self.with(name, |out| {
            let mut object = ObjectWriter::new(out);
            write(&mut object);
            object.end();
        })
    }

    /// A member that is an array, of which `write` writes each item.
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

    /// The members of a stored, non-empty JSON object, in place.
    pub fn members_of(&mut self, object: &JsonText) -> &mut Self {
        let members = object.as_str().strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        self.raw_members(members)
    }

    /// Members as they stand, with a comma between two.
    pub fn raw_members(&mut self, members: &str) -> &mut Self {
        if !members.is_empty() {
            if !self.first {
                self.out.push(b',');
            }
            self.first = false;
            self.out.extend_from_slice(members.as_bytes());
        }
        self
    }

    /// Closes the object.
    pub fn end(&mut self) {
        self.out.push(b'}');
    }
}

/// What `write` writes, as stored JSON.
#[must_use]
pub fn rendered(write: impl FnOnce(&mut Vec<u8>)) -> JsonText {
    let mut out = Vec::with_capacity(1024);
    write(&mut out);
    // Every piece that is written is text.
    JsonText::from_trusted(String::from_utf8(out).unwrap_or_else(|_| "null".to_owned()))
}
