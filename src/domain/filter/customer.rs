//! The fields that customers are filtered by, and their values.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Condition, FieldFilter, Filter, Junction, Kind, Scalar, Test};
use crate::domain::customer::{Customer, OrderSummary, Profile};
use crate::domain::json::JsonText;
use crate::domain::limits::FILTER_ELEMENTS;

/// A field of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerField {
    Id,
    SourceId,
    /// A text of the profile beside the address: `name`, `description`, `email`, `phone`, `birthday`, `birthdate`.
    Profile(&'static str),
    /// `city`, `state`, `line_1`, `line_2`, `country`, `postal_code`.
    Address(&'static str),
    CreatedAt,
    UpdatedAt,
    /// A key of the metadata.
    Metadata(String),
    OrdersTotalAmount,
    OrdersTotalCount,
    OrdersAverageAmount,
    OrdersLastAmount,
    OrdersLastDate,
    /// A number in what is set from outside: where it is, and whether it is 0 as long as nothing is set.
    State {
        path: Vec<String>,
        or_zero: bool,
    },
    /// How many custom events of that name were tracked.
    EventCount(String),
    /// A field of the vendor that no customer here can have a value of.
    Unset,
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
    /// The field of that name; `defined` tells the kind of a metadata key that has a definition.
    pub fn parse(name: &str, defined: impl Fn(&str) -> Option<Kind>) -> Option<(Self, Kind)> {
        let state = |path: &[&str], or_zero| {
            let path = path.iter().map(|&step| step.to_owned()).collect();
            Some((Self::State { path, or_zero }, Kind::Number))
        };
        Some(match name {
            "id" => (Self::Id, Kind::Text),
            "source_id" => (Self::SourceId, Kind::Text),
            "name" => (Self::Profile("name"), Kind::Text),
            "description" => (Self::Profile("description"), Kind::Text),
            "email" => (Self::Profile("email"), Kind::Text),
            "phone" => (Self::Profile("phone"), Kind::Text),
            "birthday" => (Self::Profile("birthday"), Kind::Day),
            "birthdate" => (Self::Profile("birthdate"), Kind::Day),
            "created_at" => (Self::CreatedAt, Kind::Moment),
            "updated_at" => (Self::UpdatedAt, Kind::Moment),
            "summary.orders.total_amount" => (Self::OrdersTotalAmount, Kind::Number),
            "summary.orders.total_count" => (Self::OrdersTotalCount, Kind::Number),
            "summary.orders.average_amount" => (Self::OrdersAverageAmount, Kind::Number),
            "summary.orders.last_order_amount" => (Self::OrdersLastAmount, Kind::Number),
            "summary.orders.last_order_date" => (Self::OrdersLastDate, Kind::Moment),
            "loyalty.points" => return state(&["loyalty", "points"], true),
            "loyalty.referred_customers" => return state(&["loyalty", "referred_customers"], true),
            _ => return Self::parse_prefixed(name, defined, state),
        })
    }

    /// Whether its values are never ahead of the moment at which they are written.
    #[must_use]
    pub fn is_past(&self) -> bool {
        matches!(self, Self::CreatedAt | Self::UpdatedAt)
    }

    /// The name under which the moments of the field are stored for filters that depend on the time; `None` for fields that
    /// have a column of their own.
    #[must_use]
    pub fn stored_as(&self) -> Option<String> {
        match self {
            Self::Profile(member) => Some((*member).to_owned()),
            Self::Metadata(key) => Some(format!("metadata.{key}")),
            _ => None,
        }
    }

    fn parse_prefixed(
        name: &str,
        defined: impl Fn(&str) -> Option<Kind>,
        state: impl Fn(&[&str], bool) -> Option<(Self, Kind)>,
    ) -> Option<(Self, Kind)> {
        if let Some(key) = name.strip_prefix("metadata.") {
            return Some((Self::Metadata(key.to_owned()), defined(key).unwrap_or(Kind::Text)));
        }
        if let Some(member) = name.strip_prefix("address.") {
            let members = ["city", "state", "line_1", "line_2", "country", "postal_code"];
            return members
                .into_iter()
                .find(|known| *known == member)
                .map(|member| (Self::Address(member), Kind::Text));
        }
        if let Some(event) = name.strip_prefix("events.").and_then(|rest| rest.strip_suffix(".count")) {
            return Some((Self::EventCount(event.to_owned()), Kind::Number));
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
        // Of widgets, publications and tiers nothing comes to be here.
        let unset = ["system_metadata.", "publications.", "loyalty_tier."];
        unset.iter().any(|prefix| name.starts_with(prefix)).then_some((Self::Unset, Kind::Text))
    }
}

impl Filter<CustomerField> {
    /// The names of the custom events that it counts.
    pub fn counted_events(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(|tested| match &tested.field {
            CustomerField::EventCount(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The filter that nobody passes.
    #[must_use]
    pub fn none() -> Self {
        let condition = Condition { test: Test::Present, negated: false };
        let nothing = FieldFilter { field: CustomerField::Unset, kind: Kind::Text, conditions: vec![condition] };
        Self { junction: Junction::And, fields: vec![nothing] }
    }

    /// Whether it asks for a key of the metadata.
    #[must_use]
    pub fn reads_metadata(&self, key: &str) -> bool {
        self.fields.iter().any(|tested| matches!(&tested.field, CustomerField::Metadata(read) if read == key))
    }

    /// Whether `subject` passes at `now`.
    #[must_use]
    pub fn admits(&self, subject: &Subject, now: DateTime<Utc>) -> bool {
        self.holds(now, |field| subject.values(field))
    }
}

/// A customer, opened up for filters.
#[derive(Debug, Default)]
pub struct Subject {
    id: Option<String>,
    source_id: Option<String>,
    profile: Profile,
    metadata: Value,
    state: Value,
    orders: OrderSummary,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    event_counts: HashMap<String, i64>,
}

impl Subject {
    /// A customer, and how many custom events of each name were tracked; names that are not there count as 0.
    #[must_use]
    pub fn of(customer: &Customer, event_counts: HashMap<String, i64>) -> Self {
        let value = |json: Option<&JsonText>| json.map(JsonText::value).unwrap_or_default();
        Self {
            id: Some(customer.id.clone()),
            source_id: customer.source_id.clone(),
            profile: serde_json::from_str(customer.profile.as_str()).unwrap_or_default(),
            metadata: value(customer.metadata.as_ref()),
            state: value(customer.state.as_ref()),
            orders: customer.orders,
            created_at: Some(customer.created_at),
            updated_at: customer.updated_at,
            event_counts,
        }
    }

    /// The moments, or days, of a field of that kind; each once.
    #[must_use]
    pub fn moments(&self, field: &CustomerField, kind: Kind) -> Vec<DateTime<Utc>> {
        let mut moments: Vec<_> = self.values(field).iter().filter_map(|value| value.moment(kind)).collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    fn values(&self, field: &CustomerField) -> Vec<Scalar<'static>> {
        let text = |text: Option<&String>| text.map(|text| Scalar::Text(Cow::Owned(text.clone())));
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
            CustomerField::Metadata(key) => return self.metadata.get(key).map(elements).unwrap_or_default(),
            CustomerField::OrdersTotalAmount => Some(Scalar::Number(self.orders.amount)),
            CustomerField::OrdersTotalCount => Some(Scalar::Number(self.orders.count)),
            CustomerField::OrdersAverageAmount => Some(Scalar::Number(self.orders.average_amount())),
            CustomerField::OrdersLastAmount => Some(Scalar::Number(self.orders.last_amount)),
            CustomerField::OrdersLastDate => moment(self.orders.last_at),
            CustomerField::State { path, or_zero } => {
                let found = path.iter().try_fold(&self.state, |value, step| value.get(step)).and_then(Value::as_i64);
                found.or(or_zero.then_some(0)).map(Scalar::Number)
            }
            CustomerField::EventCount(name) => {
                Some(Scalar::Number(self.event_counts.get(name).copied().unwrap_or_default()))
            }
            CustomerField::Unset => None,
        };
        value.into_iter().collect()
    }
}

/// The values of a metadata key: of an array each element, of anything else itself; `null` is none. Of very many elements the
/// first ones count.
fn elements(value: &Value) -> Vec<Scalar<'static>> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    items
        .iter()
        .filter(|item| !item.is_null())
        .take(FILTER_ELEMENTS)
        .map(|item| {
            Scalar::Text(Cow::Owned(match item {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }))
        })
        .collect()
}
