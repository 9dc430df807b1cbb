//! The deliveries that activity entries cause.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::activity::ActivityEntry;
use crate::domain::rules::Rules;
use crate::domain::trace_context::TraceContext;
use crate::domain::webhook::NewDelivery;
use crate::ids::IdSource;

/// Returns one delivery for each entry and each webhook of the project that subscribes to its type. They are part of `trace`.
pub(in crate::service) fn deliveries_for(
    ids: &mut IdSource,
    rules: &Rules,
    entries: &[ActivityEntry],
    now: DateTime<Utc>,
    trace: Option<&Arc<TraceContext>>,
) -> Vec<NewDelivery> {
    let mut deliveries = Vec::new();
    if rules.subscriptions.is_empty() {
        return deliveries;
    }
    for entry in entries {
        for subscription in rules.subscriptions.iter().filter(|subscription| subscription.includes(entry.kind)) {
            deliveries.push(NewDelivery {
                id: ids.time_ordered("whs_", now),
                webhook_id: subscription.webhook_id.clone(),
                customer_id: entry.customer_id.clone(),
                entry_id: entry.id.clone(),
                trace: trace.cloned(),
            });
        }
    }
    deliveries
}
