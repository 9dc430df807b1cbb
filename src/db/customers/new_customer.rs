//! A new customer, and the rows that one statement inserts for several.

use chrono::{DateTime, Utc};

use crate::domain::activity::ActivityEntry;
use crate::domain::customer::{Customer, IndexedFields};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::webhook::NewDelivery;

/// A customer to insert, with the rows that are inserted together with it.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    pub customer: Customer,
    pub indexed_fields: IndexedFields,
    /// The first entry records the creation.
    pub entries: Vec<ActivityEntry>,
    /// The deliveries of the entries to webhooks.
    pub deliveries: Vec<NewDelivery>,
    /// The filtered segments that the customer is a member of.
    pub segment_ids: Vec<String>,
    /// The fields that filters compare with the current time, with their times.
    pub moments: Vec<(String, DateTime<Utc>)>,
    /// The version of the rules with which the segments were determined.
    pub rules_version: i64,
    /// When the deliveries are due: now by the clock.
    pub due_at: DateTime<Utc>,
}

impl NewCustomer {
    /// Returns whether the only other row is the activity entry of the creation.
    pub(super) fn is_simple(&self) -> bool {
        self.entries.len() == 1 && self.deliveries.is_empty() && self.segment_ids.is_empty() && self.moments.is_empty()
    }
}

/// Returns one column of rows as the array that `unnest` takes.
pub(super) fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// The rows to insert; those of `customers` as the arrays that `unnest` takes, one for each column.
#[derive(Default)]
pub(super) struct NewRows<'a> {
    pub projects: Vec<i64>,
    pub ids: Vec<&'a str>,
    pub source_ids: Vec<Option<&'a str>>,
    pub profiles: Vec<&'a str>,
    pub metadata: Vec<Option<&'a str>>,
    pub created: Vec<DateTime<Utc>>,
    pub names: Vec<Option<&'a str>>,
    pub emails: Vec<Option<&'a str>>,
    pub cities: Vec<Option<&'a str>>,
    pub rules_versions: Vec<i64>,
    pub entries: Vec<&'a ActivityEntry>,
    /// Customer and segment.
    pub members: Vec<(&'a str, &'a str)>,
    /// Customer, field and time.
    pub moments: Vec<(&'a str, &'a str, DateTime<Utc>)>,
    /// Each delivery with the time at which it is due.
    pub deliveries: Vec<(&'a NewDelivery, DateTime<Utc>)>,
}

impl<'a> NewRows<'a> {
    /// Returns the rows of the customers.
    pub fn of(customers: impl Iterator<Item = (ProjectId, &'a NewCustomer)>) -> Self {
        let mut rows = Self::default();
        for (project, new) in customers {
            let (customer, id) = (&new.customer, new.customer.id.as_str());
            rows.projects.push(project.0);
            rows.ids.push(id);
            rows.source_ids.push(customer.source_id.as_deref());
            rows.profiles.push(customer.profile.as_str());
            rows.metadata.push(customer.metadata.as_ref().map(JsonText::as_str));
            rows.created.push(customer.created_at);
            rows.names.push(new.indexed_fields.name.as_deref());
            rows.emails.push(new.indexed_fields.email.as_deref());
            rows.cities.push(new.indexed_fields.city.as_deref());
            rows.rules_versions.push(new.rules_version);
            rows.entries.extend(&new.entries);
            rows.members.extend(new.segment_ids.iter().map(|segment| (id, segment.as_str())));
            rows.moments.extend(new.moments.iter().map(|(field, moment)| (id, field.as_str(), *moment)));
            rows.deliveries.extend(new.deliveries.iter().map(|delivery| (delivery, new.due_at)));
        }
        rows
    }
}
