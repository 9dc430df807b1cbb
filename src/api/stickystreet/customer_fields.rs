//! Maps the fields of a `StickyStreet` customer. A field is stored in the profile of the customer when the profile has
//! such a member, and otherwise in the metadata under its own name. The first and last name are stored in the metadata
//! too, because the profile has only one name.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::error::CallError;
use super::fields::Fields;
use crate::domain::customer::{Address, Customer, CustomerPatch, Profile};
use crate::domain::json::{JsonText, javascript};
use crate::domain::limits::{DESCRIPTION_CHARS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::service::Error;

/// The fields in the order of `StickyStreet`, with the maximum length of each in characters.
const FIELDS: [(&str, usize); 14] = [
    ("card_number", TEXT_CHARS),
    ("first_name", TEXT_CHARS),
    ("last_name", TEXT_CHARS),
    ("phone", TEXT_CHARS),
    ("email", TEXT_CHARS),
    ("street1", TEXT_CHARS),
    ("street2", TEXT_CHARS),
    ("city", TEXT_CHARS),
    ("state", TEXT_CHARS),
    ("postal_code", TEXT_CHARS),
    ("country", TEXT_CHARS),
    ("custom_date", TEXT_CHARS),
    ("custom_field", DESCRIPTION_CHARS),
    ("customer_username", TEXT_CHARS),
];
/// The fields that are stored only in the metadata.
const METADATA_FIELDS: [&str; 4] = ["card_number", "custom_date", "custom_field", "customer_username"];

/// The customer fields of a call.
pub struct CustomerFields(Vec<(&'static str, String)>);

impl CustomerFields {
    /// Reads the customer fields. Other fields, like the password, are ignored.
    ///
    /// # Errors
    /// Returns an error for the first field that cannot be stored.
    pub fn read(fields: &Fields) -> Result<Self, CallError> {
        let mut sent = Vec::new();
        for (name, max_chars) in FIELDS {
            let Some(text) = fields.text(name, max_chars)? else { continue };
            if name == "custom_date" && !text.is_empty() && !is_date(text) {
                return Err(CallError::rejected("custom_date must be a date of the form YYYY-MM-DD"));
            }
            sent.push((name, text.to_owned()));
        }
        Ok(Self(sent))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(sent, _)| *sent == name).map(|(_, text)| text.as_str())
    }

    /// Returns the patch for the `existing` customer, or for a new one. A field that was sent empty is cleared.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] when the first and last name together are too long.
    pub fn patch(&self, existing: Option<&Customer>) -> Result<CustomerPatch, Error> {
        let value = |name: &str| match self.get(name) {
            Some("") if existing.is_some() => Patch::Null,
            None | Some("") => Patch::Absent,
            Some(text) => Patch::Value(text.to_owned()),
        };
        let address = Address {
            city: value("city"),
            state: value("state"),
            line_1: value("street1"),
            line_2: value("street2"),
            country: value("country"),
            postal_code: value("postal_code"),
        };
        let stored = StoredFields::of(existing);
        let mut metadata = Map::new();
        for name in METADATA_FIELDS {
            match value(name) {
                Patch::Value(text) => drop(metadata.insert(name.to_owned(), text.into())),
                Patch::Null if stored.has(name) => drop(metadata.insert(name.to_owned(), Value::Null)),
                Patch::Null | Patch::Absent => {}
            }
        }
        let name = self.name(&stored, &mut metadata)?;
        Ok(CustomerPatch {
            name,
            email: value("email"),
            phone: value("phone"),
            address: if address == Address::default() { Patch::Absent } else { Patch::Value(address) },
            metadata: if metadata.is_empty() { Patch::Absent } else { Patch::Value(metadata) },
            ..CustomerPatch::default()
        })
    }

    /// Returns the change of the profile's name, and adds the changes of the first and last name to `metadata`.
    fn name(&self, stored: &StoredFields, metadata: &mut Map<String, Value>) -> Result<Patch<String>, Error> {
        let (first, last) = (self.get("first_name"), self.get("last_name"));
        if first.is_none() && last.is_none() {
            return Ok(Patch::Absent);
        }
        let (stored_first, stored_last) = stored.names();
        let (first, last) = (first.unwrap_or(&stored_first), last.unwrap_or(&stored_last));
        let name = full_name(first, last);
        if name.chars().count() > TEXT_CHARS {
            let details = format!("first_name and last_name together must not have more than {TEXT_CHARS} characters");
            return Err(Error::Invalid { details });
        }
        for (key, part) in [("first_name", first), ("last_name", last)] {
            if !part.is_empty() {
                metadata.insert(key.to_owned(), part.into());
            } else if stored.has(key) {
                metadata.insert(key.to_owned(), Value::Null);
            }
        }
        Ok(match name.as_str() {
            "" if stored.profile.name.is_none() => Patch::Absent,
            "" => Patch::Null,
            _ => Patch::Value(name),
        })
    }
}

/// The stored data of a customer, which any API may have written.
#[derive(Default)]
struct StoredFields {
    profile: Profile,
    metadata: Value,
}

impl StoredFields {
    fn of(existing: Option<&Customer>) -> Self {
        let Some(existing) = existing else { return Self::default() };
        let profile = serde_json::from_str(existing.profile.as_str()).unwrap_or_default();
        Self { profile, metadata: existing.metadata.as_ref().map(JsonText::value).unwrap_or_default() }
    }

    fn has(&self, key: &str) -> bool {
        self.metadata.get(key).is_some()
    }

    /// Returns a metadata value as text. Another API may have written a number or a boolean there.
    fn text(&self, key: &str) -> String {
        match self.metadata.get(key) {
            Some(text @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => javascript::text(text),
            _ => String::new(),
        }
    }

    /// Returns the first and last name: those in the metadata when the profile's name consists of them, and otherwise
    /// the parts of the profile's name before and after its first space.
    fn names(&self) -> (String, String) {
        let name = self.profile.name.as_deref().unwrap_or_default();
        let (first, last) = (self.text("first_name"), self.text("last_name"));
        if full_name(&first, &last) == name {
            return (first, last);
        }
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        (first.to_owned(), last.to_owned())
    }
}

/// Returns every field of a customer in the order of `StickyStreet`. A field without a value is empty.
pub fn elements(customer: &Customer) -> Vec<(&'static str, String)> {
    let mut stored = StoredFields::of(Some(customer));
    let (first_name, last_name) = stored.names();
    let address = stored.profile.address.take().unwrap_or_default();
    let text = |name| match name {
        "first_name" => first_name.clone(),
        "last_name" => last_name.clone(),
        "phone" => stored.profile.phone.clone().unwrap_or_default(),
        "email" => stored.profile.email.clone().unwrap_or_default(),
        "street1" => text_or_empty(&address.line_1),
        "street2" => text_or_empty(&address.line_2),
        "city" => text_or_empty(&address.city),
        "state" => text_or_empty(&address.state),
        "postal_code" => text_or_empty(&address.postal_code),
        "country" => text_or_empty(&address.country),
        other => stored.text(other),
    };
    FIELDS.iter().map(|&(name, _)| (name, text(name))).collect()
}

/// Returns whether a customer has any field other than the card number.
pub fn is_registered(elements: &[(&'static str, String)]) -> bool {
    elements.iter().any(|(name, text)| *name != "card_number" && !text.is_empty())
}

fn text_or_empty(member: &Patch<String>) -> String {
    member.as_value().cloned().unwrap_or_default()
}

fn full_name(first: &str, last: &str) -> String {
    let separator = if first.is_empty() || last.is_empty() { "" } else { " " };
    format!("{first}{separator}{last}")
}

fn is_date(text: &str) -> bool {
    // Check the characters too, because the parser accepts signs and years without four digits.
    text.len() == 10
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}
