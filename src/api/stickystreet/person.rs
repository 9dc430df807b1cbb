//! Where the fields of a person are kept: in the profile of the customer where it has such a member, else in the metadata under
//! their own names. The two names are kept in the metadata too, since the profile has one.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::refused::Refused;
use crate::domain::customer::{Address, Customer, CustomerPatch, Profile};
use crate::domain::json::{JsonText, javascript_text};
use crate::domain::limits::{DESCRIPTION_CHARS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::service::Error;

/// The fields, with the characters that each may have.
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
/// Those that only the metadata keeps.
const IN_METADATA: [&str; 4] = ["card_number", "custom_date", "custom_field", "customer_username"];

/// What a call says of a person.
pub struct Sent(Vec<(&'static str, String)>);

impl Sent {
    /// Of the fields; others, like the password, are not looked at.
    ///
    /// # Errors
    /// For the first that cannot be kept.
    pub fn of(fields: &Fields) -> Result<Self, Refused> {
        let mut sent = Vec::new();
        for (name, most) in FIELDS {
            let Some(text) = fields.text(name, most)? else { continue };
            if name == "custom_date" && !text.is_empty() && !is_date(text) {
                return Err(Refused::because("custom_date must be a date of the form YYYY-MM-DD"));
            }
            sent.push((name, text.to_owned()));
        }
        Ok(Self(sent))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(sent, _)| *sent == name).map(|(_, text)| text.as_str())
    }

    /// What is to be written to the customer that is known, or to a new one. A field that was sent empty is cleared.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the two names together are too long.
    pub fn patch(&self, known: Option<&Customer>) -> Result<CustomerPatch, Error> {
        let value = |name: &str| match self.get(name) {
            Some("") if known.is_some() => Patch::Null,
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
        let stored = Stored::of(known);
        let mut metadata = Map::new();
        for name in IN_METADATA {
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

    /// The name of the profile, with its halves in the metadata.
    fn name(&self, stored: &Stored, metadata: &mut Map<String, Value>) -> Result<Patch<String>, Error> {
        let (first, last) = (self.get("first_name"), self.get("last_name"));
        if first.is_none() && last.is_none() {
            return Ok(Patch::Absent);
        }
        let (stored_first, stored_last) = stored.names();
        let (first, last) = (first.unwrap_or(&stored_first), last.unwrap_or(&stored_last));
        let name = joined(first, last);
        if name.chars().count() > TEXT_CHARS {
            let details = format!("first_name and last_name together must not have more than {TEXT_CHARS} characters");
            return Err(Error::Invalid { details });
        }
        for (key, half) in [("first_name", first), ("last_name", last)] {
            if !half.is_empty() {
                metadata.insert(key.to_owned(), half.into());
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

/// What is stored of a person, whoever has written it.
#[derive(Default)]
struct Stored {
    profile: Profile,
    metadata: Value,
}

impl Stored {
    fn of(known: Option<&Customer>) -> Self {
        let Some(known) = known else { return Self::default() };
        let profile = serde_json::from_str(known.profile.as_str()).unwrap_or_default();
        Self { profile, metadata: known.metadata.as_ref().map(JsonText::value).unwrap_or_default() }
    }

    fn has(&self, key: &str) -> bool {
        self.metadata.get(key).is_some()
    }

    /// A text of the metadata; another door may have written a number there.
    fn text(&self, key: &str) -> String {
        match self.metadata.get(key) {
            Some(text @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => javascript_text(text),
            _ => String::new(),
        }
    }

    /// First and last name: as they were sent while the name is made of them, else the name up to its first blank and after.
    fn names(&self) -> (String, String) {
        let name = self.profile.name.as_deref().unwrap_or_default();
        let (first, last) = (self.text("first_name"), self.text("last_name"));
        if joined(&first, &last) == name {
            return (first, last);
        }
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        (first.to_owned(), last.to_owned())
    }
}

/// Every field of a customer in the vendor's order, empty where nothing is known.
pub fn elements(customer: &Customer) -> Vec<(&'static str, String)> {
    let mut stored = Stored::of(Some(customer));
    let (first_name, last_name) = stored.names();
    let address = stored.profile.address.take().unwrap_or_default();
    let text = |name| match name {
        "first_name" => first_name.clone(),
        "last_name" => last_name.clone(),
        "phone" => stored.profile.phone.clone().unwrap_or_default(),
        "email" => stored.profile.email.clone().unwrap_or_default(),
        "street1" => of_address(&address.line_1),
        "street2" => of_address(&address.line_2),
        "city" => of_address(&address.city),
        "state" => of_address(&address.state),
        "postal_code" => of_address(&address.postal_code),
        "country" => of_address(&address.country),
        kept => stored.text(kept),
    };
    FIELDS.iter().map(|&(name, _)| (name, text(name))).collect()
}

/// Whether anything is known of whoever has the code, and not of the card alone.
pub fn is_registered(elements: &[(&'static str, String)]) -> bool {
    elements.iter().any(|(name, text)| *name != "card_number" && !text.is_empty())
}

fn of_address(member: &Patch<String>) -> String {
    member.as_value().cloned().unwrap_or_default()
}

fn joined(first: &str, last: &str) -> String {
    let between = if first.is_empty() || last.is_empty() { "" } else { " " };
    format!("{first}{between}{last}")
}

fn is_date(text: &str) -> bool {
    // Years of four digits, and no signs, which the parser lets through.
    text.len() == 10
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}
