//! The fields by which customers are filtered, and their values.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::conditions::{Condition, FieldFilter, Filter, Junction};
use super::kind::FieldKind;
use super::predicate::Predicate;
use super::scalar::Scalar;
use crate::domain::customer::{Customer, OrderSummary, Profile};
use crate::domain::json::JsonText;
use crate::domain::limits::FILTER_ELEMENTS;

/// A field of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerField {
    Id,
    SourceId,
    /// A text of the profile outside of the address: `name`, `description`, `email`, `phone`, `birthday`, `birthdate`.
    Profile(&'static str),
    /// A text of the address: `city`, `state`, `line_1`, `line_2`, `country`, `postal_code`.
    Address(&'static str),
    CreatedAt,
    UpdatedAt,
    /// A metadata key.
    Metadata(String),
    OrdersTotalAmount,
    OrdersTotalCount,
    OrdersAverageAmount,
    OrdersLastAmount,
    OrdersLastDate,
    /// A number in the customer's state, which is set through the emulator's own API: its path, and whether it is 0
    /// instead of unset by default.
    State {
        path: Vec<String>,
        defaults_to_zero: bool,
    },
    /// A member of the customer's `system_metadata`, which is set through the emulator's own API.
    System(SystemField),
    /// The number of custom events with that name.
    EventCount(String),
    /// A field of the vendor that has no value in the emulator.
    Unset,
}

/// The members of `system_metadata` by which the vendor filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemField {
    /// `source`, a text.
    Source,
    /// `web_widget.widgets`, an array of texts.
    Widgets,
}

impl SystemField {
    /// Returns the value of the member in the customer's state.
    fn value_in(self, state: &Value) -> Option<&Value> {
        let system_metadata = state.get("system_metadata")?;
        match self {
            Self::Source => system_metadata.get("source"),
            Self::Widgets => system_metadata.get("web_widget")?.get("widgets"),
        }
    }
}

const REDEMPTIONS: [&str; 6] = [
    "total_redeemed",
    "total_failed",
    "total_succeeded",
    "total_rolled_back",
    "total_rollback_failed",
    "total_rollback_succeeded",
];

impl CustomerField {
    /// Returns the field with that name and its kind. `metadata_kind` returns the kind of a metadata key that has a
    /// definition.
    pub fn parse(name: &str, metadata_kind: impl Fn(&str) -> Option<FieldKind>) -> Option<(Self, FieldKind)> {
        let state = |path: &[&str], defaults_to_zero| {
            let path = path.iter().map(|&step| step.to_owned()).collect();
            Some((Self::State { path, defaults_to_zero }, FieldKind::Number))
        };
        Some(match name {
            "id" => (Self::Id, FieldKind::Text),
            "source_id" => (Self::SourceId, FieldKind::Text),
            "name" => (Self::Profile("name"), FieldKind::Text),
            "description" => (Self::Profile("description"), FieldKind::Text),
            "email" => (Self::Profile("email"), FieldKind::Text),
            "phone" => (Self::Profile("phone"), FieldKind::Text),
            "birthday" => (Self::Profile("birthday"), FieldKind::Day),
            "birthdate" => (Self::Profile("birthdate"), FieldKind::Day),
            "created_at" => (Self::CreatedAt, FieldKind::Moment),
            "updated_at" => (Self::UpdatedAt, FieldKind::Moment),
            "summary.orders.total_amount" => (Self::OrdersTotalAmount, FieldKind::Number),
            "summary.orders.total_count" => (Self::OrdersTotalCount, FieldKind::Number),
            "summary.orders.average_amount" => (Self::OrdersAverageAmount, FieldKind::Number),
            "summary.orders.last_order_amount" => (Self::OrdersLastAmount, FieldKind::Number),
            "summary.orders.last_order_date" => (Self::OrdersLastDate, FieldKind::Moment),
            "system_metadata.source" => (Self::System(SystemField::Source), FieldKind::Text),
            "system_metadata.web_widget.widgets" => (Self::System(SystemField::Widgets), FieldKind::Text),
            "loyalty.points" => return state(&["loyalty", "points"], true),
            "loyalty.referred_customers" => return state(&["loyalty", "referred_customers"], true),
            _ => return Self::parse_prefixed(name, metadata_kind, state),
        })
    }

    /// Returns whether its values are never later than the time at which they are written.
    #[must_use]
    pub fn is_never_in_future(&self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt)
    }

    /// Returns the name under which the moments of the field are stored for filters that depend on the time, or `None`
    /// if the field has its own column.
    #[must_use]
    pub fn stored_moment_name(&self) -> Option<String> {
        match self {
            Self::Profile(member) => Some((*member).to_owned()),
            Self::Metadata(key) => Some(format!("metadata.{key}")),
            _ => None,
        }
    }

    fn parse_prefixed(
        name: &str,
        metadata_kind: impl Fn(&str) -> Option<FieldKind>,
        state: impl Fn(&[&str], bool) -> Option<(Self, FieldKind)>,
    ) -> Option<(Self, FieldKind)> {
        if let Some(key) = name.strip_prefix("metadata.") {
            return Some((Self::Metadata(key.to_owned()), metadata_kind(key).unwrap_or(FieldKind::Text)));
        }
        if let Some(member) = name.strip_prefix("address.") {
            let members = ["city", "state", "line_1", "line_2", "country", "postal_code"];
            return members
                .into_iter()
                .find(|known| *known == member)
                .map(|member| (Self::Address(member), FieldKind::Text));
        }
        if let Some(event) = name.strip_prefix("events.").and_then(|rest| rest.strip_suffix(".count")) {
            return Some((Self::EventCount(event.to_owned()), FieldKind::Number));
        }
        if let Some(member) = name.strip_prefix("summary.redemptions.") {
            return match member.split_once('.') {
                None => REDEMPTIONS.contains(&member).then(|| state(&["redemptions", member], true)).flatten(),
                Some(("gift", of @ ("redeemed_amount" | "amount_to_go"))) => state(&["redemptions", "gift", of], true),
                Some(("loyalty_card", of @ ("redeemed_points" | "points_to_go"))) => {
                    state(&["redemptions", "loyalty_card", of], true)
                }
                Some(_) => None,
            };
        }
        for prefix in ["loyalty_points.campaigns.", "loyalty.campaigns."] {
            let campaign = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".points"));
            if let Some(campaign) = campaign.filter(|campaign| !campaign.is_empty()) {
                return state(&["loyalty", "campaigns", campaign, "points"], false);
            }
        }
        // Publications and loyalty tiers are not emulated, and the vendor names no other member of `system_metadata`, so
        // these fields have no value.
        let unset = ["system_metadata.", "publications.", "loyalty_tier."];
        unset.iter().any(|prefix| name.starts_with(prefix)).then_some((Self::Unset, FieldKind::Text))
    }
}

impl Filter<CustomerField> {
    /// Returns the names of the custom events whose counts the filter uses.
    pub fn counted_events(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(|filter| match &filter.field {
            CustomerField::EventCount(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns a filter that no customer matches.
    #[must_use]
    pub fn match_none() -> Self {
        let condition = Condition { predicate: Predicate::HasValue, is_negated: false };
        let unset = FieldFilter { field: CustomerField::Unset, kind: FieldKind::Text, conditions: vec![condition] };
        Self { junction: Junction::And, fields: vec![unset] }
    }

    /// Returns whether the filter uses a metadata key.
    #[must_use]
    pub fn reads_metadata(&self, key: &str) -> bool {
        self.fields.iter().any(|filter| matches!(&filter.field, CustomerField::Metadata(read) if read == key))
    }

    /// Returns whether `customer` matches the filter at `now`.
    #[must_use]
    pub fn matches_customer(&self, customer: &CustomerValues, now: DateTime<Utc>) -> bool {
        self.matches(now, |field| customer.values(field))
    }
}

/// The parsed data of a customer, from which filters read field values.
#[derive(Debug, Default)]
pub struct CustomerValues {
    id: Option<String>,
    source_id: Option<String>,
    profile: Profile,
    /// The text of each member. Values are read from it when a filter needs them, because parsed metadata can take a
    /// hundred times the memory of its text.
    metadata: HashMap<String, Box<RawValue>>,
    state: Value,
    orders: OrderSummary,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    event_counts: HashMap<String, i64>,
}

impl CustomerValues {
    /// Returns the values of `customer`. `event_counts` has the number of custom events by name; the default is 0.
    #[must_use]
    pub fn of(customer: &Customer, event_counts: HashMap<String, i64>) -> Self {
        Self {
            id: Some(customer.id.clone()),
            source_id: customer.source_id.clone(),
            profile: serde_json::from_str(customer.profile.as_str()).unwrap_or_default(),
            metadata: customer
                .metadata
                .as_ref()
                .and_then(|metadata| serde_json::from_str(metadata.as_str()).ok())
                .unwrap_or_default(),
            state: customer.state.as_ref().map(JsonText::value).unwrap_or_default(),
            orders: customer.orders,
            created_at: Some(customer.created_at),
            updated_at: customer.updated_at,
            event_counts,
        }
    }

    /// Returns the values of a customer that has only these.
    #[cfg(test)]
    pub(super) fn with_dates(birthdate: &str, created_at: DateTime<Utc>) -> Self {
        let profile = Profile { birthdate: Some(birthdate.to_owned()), ..Profile::default() };
        Self { profile, created_at: Some(created_at), ..Self::default() }
    }

    /// Returns the moments or days of a field of the given kind, without duplicates.
    #[must_use]
    pub fn moments(&self, field: &CustomerField, kind: FieldKind) -> Vec<DateTime<Utc>> {
        let mut moments: Vec<_> = self.values(field).iter().filter_map(|value| value.moment(kind)).collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    fn values<'a>(&'a self, field: &CustomerField) -> Vec<Scalar<'a>> {
        let text = |text: Option<&'a String>| text.map(|text| Scalar::Text(Cow::Borrowed(text)));
        let moment = |time: Option<DateTime<Utc>>| time.map(Scalar::Moment);
        let Profile { name, description, email, phone, birthday, birthdate, address } = &self.profile;
        let value = match field {
            CustomerField::Id => text(self.id.as_ref()),
            CustomerField::SourceId => text(self.source_id.as_ref()),
            CustomerField::Profile(member) => text(match *member {
                "name" => name.as_ref(),
                "description" => description.as_ref(),
                "email" => email.as_ref(),
                "phone" => phone.as_ref(),
                "birthday" => birthday.as_ref(),
                _ => birthdate.as_ref(),
            }),
            CustomerField::Address(member) => text(address.as_ref().and_then(|address| {
                match *member {
                    "city" => &address.city,
                    "state" => &address.state,
                    "line_1" => &address.line_1,
                    "line_2" => &address.line_2,
                    "country" => &address.country,
                    _ => &address.postal_code,
                }
                .as_value()
            })),
            CustomerField::CreatedAt => moment(self.created_at),
            CustomerField::UpdatedAt => moment(self.updated_at),
            CustomerField::Metadata(key) => {
                return self.metadata.get(key).map(|value| raw_elements(value)).unwrap_or_default();
            }
            CustomerField::OrdersTotalAmount => Some(Scalar::Number(self.orders.amount)),
            CustomerField::OrdersTotalCount => Some(Scalar::Number(self.orders.count)),
            CustomerField::OrdersAverageAmount => Some(Scalar::Number(self.orders.average_amount())),
            CustomerField::OrdersLastAmount => Some(Scalar::Number(self.orders.last_amount)),
            CustomerField::OrdersLastDate => moment(self.orders.last_at),
            CustomerField::State { path, defaults_to_zero } => {
                let found = path.iter().try_fold(&self.state, |value, step| value.get(step)).and_then(Value::as_i64);
                found.or(defaults_to_zero.then_some(0)).map(Scalar::Number)
            }
            CustomerField::System(field) => return field.value_in(&self.state).map(elements).unwrap_or_default(),
            CustomerField::EventCount(name) => {
                Some(Scalar::Number(self.event_counts.get(name).copied().unwrap_or_default()))
            }
            CustomerField::Unset => None,
        };
        value.into_iter().collect()
    }
}

/// Returns the values of a metadata key as [`elements`] does, from its JSON text.
fn raw_elements(value: &RawValue) -> Vec<Scalar<'_>> {
    let items =
        if value.get().starts_with('[') { serde_json::from_str(value.get()).unwrap_or_default() } else { vec![value] };
    items
        .into_iter()
        .map(RawValue::get)
        .filter(|text| *text != "null")
        .take(FILTER_ELEMENTS)
        .map(|text| {
            // A text is the only JSON value that differs from its JSON.
            let parsed = if text.starts_with('"') { serde_json::from_str(text).ok() } else { None };
            Scalar::Text(parsed.map_or(Cow::Borrowed(text), Cow::Owned))
        })
        .collect()
}

/// Returns the values of a member of `system_metadata`: the elements of an array, up to [`FILTER_ELEMENTS`], or the value itself.
/// `null` is not a value.
fn elements(value: &Value) -> Vec<Scalar<'_>> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    items
        .iter()
        .filter(|item| !item.is_null())
        .take(FILTER_ELEMENTS)
        .map(|item| {
            Scalar::Text(match item {
                Value::String(text) => Cow::Borrowed(text),
                other => Cow::Owned(other.to_string()),
            })
        })
        .collect()
}
