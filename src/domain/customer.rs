//! A customer: what is stored of it, and how a request changes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::JsonText;
use super::patch::Patch;
use super::timestamp;

/// A customer as it is stored. What is only passed on stays text.
#[derive(Clone, Debug)]
pub struct Customer {
    /// `cust_...`.
    pub id: String,
    /// The client's own identifier: unique among the living customers of a project, fixed at creation.
    pub source_id: Option<String>,
    /// [`Profile`], written.
    pub profile: JsonText,
    /// `None` until something wrote metadata.
    pub metadata: Option<JsonText>,
    pub orders: OrderSummary,
    /// Redemptions, loyalty and referrals as they were set from outside, written; `None` until they were.
    pub state: Option<JsonText>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first update.
    pub updated_at: Option<DateTime<Utc>>,
}

/// The members of `summary.orders`, from the customer's orders in status PAID or FULFILLED.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderSummary {
    pub count: i64,
    /// Hundredths.
    pub amount: i64,
    /// Hundredths.
    pub last_amount: i64,
    pub last_at: Option<DateTime<Utc>>,
}

impl OrderSummary {
    /// The mean amount in hundredths, halves rounded up; the vendor does not publish how it rounds.
    #[must_use]
    pub fn average_amount(&self) -> i64 {
        if self.count == 0 {
            return 0;
        }
        let (amount, count) = (i128::from(self.amount), i128::from(self.count));
        i64::try_from((2 * amount + count).div_euclid(2 * count)).unwrap_or_default()
    }
}

/// What a client says of a person. Serialized in the vendor's order of members: what was never set is absent, but for the
/// address, which is `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    pub address: Option<Address>,
}

/// The texts of a profile that lists are filtered by, which the database keeps in columns of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    pub name: Option<String>,
    pub email: Option<String>,
    pub city: Option<String>,
}

impl Searched {
    fn of(profile: Profile) -> Self {
        let city = profile.address.and_then(|address| address.city.value());
        Self { name: profile.name, email: profile.email, city }
    }
}

/// An address, stored or in a request: each member is absent, `null`, or text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub city: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub state: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub line_1: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub line_2: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub country: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub postal_code: Patch<String>,
}

impl Address {
    /// Takes the members that `named` has; the others stay.
    fn merge(&mut self, named: Self) {
        let Self { city, state, line_1, line_2, country, postal_code } = named;
        for (member, named) in [
            (&mut self.city, city),
            (&mut self.state, state),
            (&mut self.line_1, line_1),
            (&mut self.line_2, line_2),
            (&mut self.country, country),
            (&mut self.postal_code, postal_code),
        ] {
            if !named.is_absent() {
                *member = named;
            }
        }
    }
}

/// What a request says about a customer, apart from which one it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerPatch {
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub name: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub description: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub email: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub phone: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub birthday: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub birthdate: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub address: Patch<Address>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Map<String, Value>>,
}

impl CustomerPatch {
    /// Whether the request says nothing about the customer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The profile and metadata of a customer that is made of this patch alone, and what lists search for.
    #[must_use]
    pub fn into_new(self) -> (JsonText, Option<JsonText>, Searched) {
        let (profile, metadata) = self.apply_to(Profile::default(), None);
        (JsonText::of(&profile), metadata.map(|metadata| JsonText::of(&metadata)), Searched::of(profile))
    }

    /// Changes `customer` as the request says, at `now`, and returns what lists search for. Unnamed members stay; metadata
    /// is merged key by key.
    pub fn apply(self, customer: &mut Customer, now: DateTime<Utc>) -> Searched {
        let profile: Profile = serde_json::from_str(customer.profile.as_str()).unwrap_or_default();
        let metadata_is_named = !self.metadata.is_absent();
        // Metadata that the request does not name is not even parsed.
        let metadata = customer.metadata.as_ref().filter(|_| metadata_is_named).map(JsonText::value);
        let (profile, metadata) = self.apply_to(profile, metadata);
        customer.profile = JsonText::of(&profile);
        if metadata_is_named {
            customer.metadata = metadata.map(|metadata| JsonText::of(&metadata));
        }
        customer.updated_at = Some(now);
        Searched::of(profile)
    }

    fn apply_to(self, mut profile: Profile, metadata: Option<Value>) -> (Profile, Option<Value>) {
        let Self { name, description, email, phone, birthday, birthdate, address, metadata: metadata_patch } = self;
        name.apply(&mut profile.name);
        description.apply(&mut profile.description);
        email.apply(&mut profile.email);
        phone.apply(&mut profile.phone);
        birthday.apply(&mut profile.birthday);
        birthdate.apply(&mut profile.birthdate);
        match address {
            Patch::Absent => {}
            Patch::Null => profile.address = None,
            Patch::Value(named) => profile.address.get_or_insert_default().merge(named),
        }
        (profile, merge_metadata(metadata, metadata_patch))
    }
}

/// Metadata after a request: merged at the first level, a key with `null` stays with `null`; `null` as a whole clears it.
#[must_use]
pub fn merge_metadata(stored: Option<Value>, patch: Patch<Map<String, Value>>) -> Option<Value> {
    match (stored, patch) {
        (stored, Patch::Absent) => stored,
        (_, Patch::Null) => None,
        (Some(Value::Object(mut stored)), Patch::Value(named)) => {
            stored.extend(named);
            Some(Value::Object(stored))
        }
        (_, Patch::Value(named)) => Some(Value::Object(named)),
    }
}

/// The source id that a softly deleted customer keeps, so that its own is free again.
#[must_use]
pub fn deleted_source_id(source_id: &str, now: DateTime<Utc>) -> String {
    format!("{source_id}_deleted{}", timestamp::text(now))
}

/// How a body names a customer, and what it says of them: in `POST /v1/customers`, orders and events alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerReference {
    /// The id of a customer who must exist; wins over `source_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    pub patch: CustomerPatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Patch<String> {
        Patch::Value(text.to_owned())
    }

    #[test]
    fn an_empty_profile_shows_a_null_address_only() {
        assert_eq!(JsonText::of(&Profile::default()).as_str(), r#"{"address":null}"#);
    }

    #[test]
    fn an_address_keeps_what_was_set_and_what_was_cleared() {
        let patch = Address { city: value("New York"), country: Patch::Null, ..Address::default() };
        let (profile, _, searched) =
            CustomerPatch { address: Patch::Value(patch), ..CustomerPatch::default() }.into_new();
        assert_eq!(profile.as_str(), r#"{"address":{"city":"New York","country":null}}"#);
        assert_eq!(searched, Searched { city: Some("New York".to_owned()), ..Searched::default() });
        let read: Profile = serde_json::from_str(profile.as_str()).unwrap();
        assert_eq!(JsonText::of(&read), profile, "what is stored is read back as it was");
    }

    #[test]
    fn metadata_is_merged_key_by_key() {
        let Value::Object(named) = serde_json::json!({"b": null, "c": 3}) else { unreachable!() };
        let merged = merge_metadata(Some(serde_json::json!({"a": 1, "b": 2})), Patch::Value(named));
        assert_eq!(merged.unwrap().to_string(), r#"{"a":1,"b":null,"c":3}"#);
        assert_eq!(merge_metadata(Some(serde_json::json!({"a": 1})), Patch::Null), None);
    }

    #[test]
    fn the_average_is_rounded_half_up() {
        let average = |count, amount| OrderSummary { count, amount, ..OrderSummary::default() }.average_amount();
        assert_eq!((average(0, 0), average(2, 5), average(3, 10), average(3, 11)), (0, 3, 3, 4));
    }
}
