//! Records in the activity of customers that they entered and left segments because time has passed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::webhooks::new_deliveries::deliveries_for;
use super::write::membership_entry;
use super::{Caller, Error};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::rules::{FilteredSegment, Rules};
use crate::ids::IdSource;

/// How many entries are written at once.
const ENTRIES_PER_BATCH: usize = 500;

/// A customer that enters or leaves a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move<'a> {
    pub customer_id: &'a str,
    pub segment: &'a FilteredSegment,
    pub kind: ActivityType,
    pub at: DateTime<Utc>,
}

/// Records the moves, in their order, in the activity of the customers, and queues the deliveries to subscribed webhooks. Returns whether
/// there are any deliveries.
pub(super) async fn record_moves(
    caller: &Caller,
    connection: &mut PgConnection,
    ids: &mut IdSource,
    rules: &Rules,
    moves: &[Move<'_>],
) -> Result<bool, Error> {
    let mut has_deliveries = false;
    for moves in moves.chunks(ENTRIES_PER_BATCH) {
        let customer_ids: Vec<_> = moves.iter().map(|moved| moved.customer_id.to_owned()).collect();
        let customers = db::customers::find_all(connection, caller.project, &customer_ids).await?;
        let mut entries = Vec::with_capacity(moves.len());
        for moved in moves {
            if let Some(customer) = customers.iter().find(|customer| customer.id == moved.customer_id) {
                entries.push(membership_entry(ids, caller, moved.kind, customer, moved.segment, moved.at));
            }
        }
        db::activity::insert(connection, caller.project, &entries).await?;
        // The deliveries of one statement are due at one time.
        for entries in entries.chunk_by(|one, next| one.created_at == next.created_at) {
            let Some(at) = entries.first().map(|entry| entry.created_at) else { continue };
            let deliveries = deliveries_for(ids, rules, entries, at, caller.trace.as_ref());
            if !deliveries.is_empty() {
                db::webhook_deliveries::insert(connection, caller.project, &deliveries, at).await?;
                has_deliveries = true;
            }
        }
    }
    Ok(has_deliveries)
}
