//! Customers: their stored data, and how requests change it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::identifier::Lookup;
use super::json::{JsonText, javascript};
use super::patch::Patch;
use super::timestamp;

/// A customer as it is stored. Members that are only passed on stay JSON text.
#[derive(Clone, Debug)]
pub struct Customer {
    /// `cust_...`.
    pub id: String,
    /// The client's own identifier: unique among the customers of a project that are not deleted, and fixed at
    /// creation.
    pub source_id: Option<String>,
    /// The [`Profile`] as JSON.
    pub profile: JsonText,
    /// `None` until metadata is first written.
    pub metadata: Option<JsonText>,
    pub orders: OrderSummary,
    /// Redemptions, loyalty, referrals and system metadata as JSON, as set through the emulator's own API; `None` until they are set.
    pub state: Option<JsonText>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first update.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A customer whose text belongs to another value, for example to the row that was read from the database.
#[derive(Clone, Copy, Debug)]
pub struct CustomerRef<'a> {
    pub id: &'a str,
    pub source_id: Option<&'a str>,
    pub profile: &'a str,
    pub metadata: Option<&'a str>,
    pub orders: OrderSummary,
    pub state: Option<&'a str>,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Customer> for CustomerRef<'a> {
    fn from(customer: &'a Customer) -> Self {
        let Customer { id, source_id, profile, metadata, orders, state, created_at, updated_at } = customer;
        Self {
            id,
            source_id: source_id.as_deref(),
            profile: profile.as_str(),
            metadata: metadata.as_ref().map(JsonText::as_str),
            orders: *orders,
            state: state.as_ref().map(JsonText::as_str),
            created_at: *created_at,
            updated_at: *updated_at,
        }
    }
}

/// The members of `summary.orders`, computed from the customer's orders in status PAID or FULFILLED.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderSummary {
    pub count: i64,
    /// In hundredths.
    pub amount: i64,
    /// In hundredths.
    pub last_amount: i64,
    pub last_at: Option<DateTime<Utc>>,
}

impl OrderSummary {
    /// Returns the average amount in hundredths, rounded half up. The vendor does not publish its rounding.
    #[must_use]
    pub fn average_amount(&self) -> i64 {
        if self.count == 0 {
            return 0;
        }
        let (amount, count) = (i128::from(self.amount), i128::from(self.count));
        i64::try_from((2 * amount + count).div_euclid(2 * count)).unwrap_or_default()
    }
}

/// The profile of a customer, serialized in the vendor's member order. A member that was never set is omitted, except
/// the address, which is `null`.
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

/// The profile members by which lists are filtered. The database stores them in separate, indexed columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexedFields {
    pub name: Option<String>,
    pub email: Option<String>,
    pub city: Option<String>,
}

impl IndexedFields {
    fn from_profile(profile: Profile) -> Self {
        let city = profile.address.and_then(|address| address.city.value());
        Self { name: profile.name, email: profile.email, city }
    }
}

/// An address, stored or in a request. Each member is absent, `null`, or text.
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
    /// Replaces the members that `change` contains; the others stay.
    fn merge(&mut self, change: Self) {
        let Self { city, state, line_1, line_2, country, postal_code } = change;
        for (member, change) in [
            (&mut self.city, city),
            (&mut self.state, state),
            (&mut self.line_1, line_1),
            (&mut self.line_2, line_2),
            (&mut self.country, country),
            (&mut self.postal_code, postal_code),
        ] {
            if !change.is_absent() {
                *member = change;
            }
        }
    }
}

/// The changes that a request makes to a customer, without the customer's identifiers.
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
    /// Returns whether the request changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the profile, metadata and indexed fields of a new customer created from this patch.
    #[must_use]
    pub fn into_new(self) -> (JsonText, Option<JsonText>, IndexedFields) {
        let (profile, metadata) = self.apply_to(Profile::default(), None);
        (JsonText::of(&profile), metadata.map(|metadata| JsonText::of(&metadata)), IndexedFields::from_profile(profile))
    }

    /// Applies the changes to `customer` at `now`, and returns its indexed fields. Members that the patch does not
    /// contain stay; metadata is merged key by key.
    pub fn apply(self, customer: &mut Customer, now: DateTime<Utc>) -> IndexedFields {
        let profile: Profile = serde_json::from_str(customer.profile.as_str()).unwrap_or_default();
        let changes_metadata = !self.metadata.is_absent();
        // Parse the stored metadata only if the request changes it, to save time.
        let metadata = customer.metadata.as_ref().filter(|_| changes_metadata).map(JsonText::value);
        let (profile, metadata) = self.apply_to(profile, metadata);
        customer.profile = JsonText::of(&profile);
        if changes_metadata {
            customer.metadata = metadata.map(|metadata| JsonText::of(&metadata));
        }
        customer.updated_at = Some(now);
        IndexedFields::from_profile(profile)
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
            Patch::Value(change) => profile.address.get_or_insert_default().merge(change),
        }
        (profile, merge_metadata(metadata, metadata_patch))
    }
}

/// Returns metadata after a request, with its keys in the order of JavaScript. The first level is merged, and a key sent
/// as `null` is stored as `null`. If the metadata as a whole is sent as `null`, it is cleared.
#[must_use]
pub fn merge_metadata(stored: Option<Value>, patch: Patch<Map<String, Value>>) -> Option<Value> {
    match (stored, patch) {
        (stored, Patch::Absent) => stored,
        (_, Patch::Null) => None,
        (stored, Patch::Value(sent)) => {
            let mut merged = match stored {
                Some(Value::Object(stored)) => stored,
                _ => Map::new(),
            };
            merged.extend(sent);
            javascript::order_keys(&mut merged);
            Some(Value::Object(merged))
        }
    }
}

/// Returns the source id that replaces the one of a soft-deleted customer, so that the original can be used again.
#[must_use]
pub fn deleted_source_id(source_id: &str, now: DateTime<Utc>) -> String {
    format!("{source_id}_deleted{}", timestamp::text(now))
}

/// The identifiers of a customer in a request body, and the changes to make to it. Used by `POST /v1/customers`, orders
/// and events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerReference {
    /// The id of a customer that must exist. Takes precedence over `source_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    pub patch: CustomerPatch,
}

impl CustomerReference {
    /// Returns the identifier by which an existing customer is looked up.
    #[must_use]
    pub fn lookup(&self) -> Option<Lookup<'_>> {
        Lookup::of(self.id.as_ref(), self.source_id.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Patch<String> {
        Patch::Value(text.to_owned())
    }

    #[test]
    fn an_empty_profile_contains_only_a_null_address() {
        assert_eq!(JsonText::of(&Profile::default()).as_str(), r#"{"address":null}"#);
    }

    #[test]
    fn an_address_stores_set_and_cleared_members() {
        let patch = Address { city: value("New York"), country: Patch::Null, ..Address::default() };
        let (profile, _, indexed_fields) =
            CustomerPatch { address: Patch::Value(patch), ..CustomerPatch::default() }.into_new();
        assert_eq!(profile.as_str(), r#"{"address":{"city":"New York","country":null}}"#);
        assert_eq!(indexed_fields, IndexedFields { city: Some("New York".to_owned()), ..IndexedFields::default() });
        let read: Profile = serde_json::from_str(profile.as_str()).unwrap();
        assert_eq!(JsonText::of(&read), profile, "the stored profile is the same after reading it");
    }

    #[test]
    fn metadata_is_merged_key_by_key() {
        let Value::Object(sent) = serde_json::json!({"b": null, "c": 3}) else { unreachable!() };
        let merged = merge_metadata(Some(serde_json::json!({"a": 1, "b": 2})), Patch::Value(sent));
        assert_eq!(merged.unwrap().to_string(), r#"{"a":1,"b":null,"c":3}"#);
        let Value::Object(sent) = serde_json::json!({"10": 1, "9": 2}) else { unreachable!() };
        let merged = merge_metadata(Some(serde_json::json!({"a": 1})), Patch::Value(sent));
        assert_eq!(merged.unwrap().to_string(), r#"{"9":2,"10":1,"a":1}"#);
        assert_eq!(merge_metadata(Some(serde_json::json!({"a": 1})), Patch::Null), None);
    }

    #[test]
    fn the_average_is_rounded_half_up() {
        let average = |count, amount| OrderSummary { count, amount, ..OrderSummary::default() }.average_amount();
        assert_eq!((average(0, 0), average(2, 5), average(3, 10), average(3, 11)), (0, 3, 3, 4));
    }
}
