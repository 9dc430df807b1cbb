//! Builds a new customer with the rows that are inserted together with it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::customer::new_from;
use super::membership_entry::membership_entry;
use super::recording::Recording;
use crate::db::customers::NewCustomer;
use crate::domain::activity::ActivityType;
use crate::domain::customer::CustomerReference;
use crate::domain::rules::Rules;
use crate::ids::IdSource;
use crate::service::activity_entry::activity_entry;
use crate::service::segment_evaluation::evaluate;
use crate::service::webhooks::new_deliveries::deliveries_for;
use crate::service::{Caller, Error};

/// Builds a new customer from a reference, with its activity entries, the segments that it enters and the deliveries to
/// webhooks. It reads and writes no database, so the customer may turn out to be known when it is inserted.
///
/// # Errors
/// Returns [`Error::InvalidMetadata`] when the metadata violates its schema, and [`Error::Invalid`] when it is too large.
pub async fn new_customer(
    ids: &mut IdSource,
    caller: &Caller,
    rules: &Arc<Rules>,
    reference: &CustomerReference,
    recording: Recording<'_>,
    now: DateTime<Utc>,
) -> Result<NewCustomer, Error> {
    let (customer, indexed_fields) = new_from(ids, rules, reference, now)?;
    let mut entries = Vec::with_capacity(1);
    if let Some((kind, data)) = recording.of_customer(&customer, ActivityType::CustomerCreated) {
        entries.push(activity_entry(ids, caller, &customer.id, kind, data, now));
    }
    let (mut segment_ids, mut moments) = (Vec::new(), Vec::new());
    if !rules.segments.is_empty() {
        let (_, results) = evaluate(rules, now, vec![customer.clone()], HashMap::new()).await?;
        let evaluated = results.into_iter().next().unwrap_or_default();
        moments = evaluated.moments;
        for segment in evaluated.segments.into_iter().map(|index| &rules.segments[index]) {
            segment_ids.push(segment.id.clone());
            if segment.records_membership_changes() {
                entries.push(membership_entry(ids, caller, ActivityType::SegmentEntered, &customer, segment, now));
            }
        }
    }
    let deliveries = if recording.includes_changes() {
        deliveries_for(ids, rules, &entries, now, caller.trace.as_ref())
    } else {
        Vec::new()
    };
    Ok(NewCustomer {
        customer,
        indexed_fields,
        entries,
        deliveries,
        segment_ids,
        moments,
        rules_version: rules.version,
        due_at: now,
    })
}
