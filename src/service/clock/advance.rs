//! Advancing the clock of a project: what falls due on the way happens at its own time.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::task::spawn_blocking;

use super::{ClockReading, check, store};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::customer::Customer;
use crate::domain::filter::{CustomerField, CustomerValues, Timeline};
use crate::domain::iso_duration::IsoDuration;
use crate::domain::limits::CLOCK_END;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::rules::{FilteredSegment, Rules};
use crate::domain::timestamp;
use crate::service::membership_moves::{Move, record_moves};
use crate::service::retry::retry;
use crate::service::rules::ExclusiveTransaction;
use crate::service::segments::settle;
use crate::service::{Caller, Core, Error};

/// How many customers are evaluated at once.
const CUSTOMERS_PER_BATCH: i64 = 1_000;
/// How many entries and exits one advance may record. They are in memory until they are written in the order of their times.
const MAX_MOVES: usize = 200_000;

/// How far the clock is advanced.
#[derive(Clone, Copy, Debug)]
pub enum Advance {
    By(IsoDuration),
    To(DateTime<Utc>),
}

/// Advances the clock. Customers enter and leave segments on the way, each at its own time, which is recorded in the order of these times.
/// Deliveries that fall due are in the queue afterwards.
///
/// # Errors
/// Returns [`Error::Invalid`] for a time that is in the past or outside of the limits, and where more than 200,000 entries and exits
/// would have to be recorded.
pub async fn advance(core: &Core, caller: &Caller, by: Advance) -> Result<ClockReading, Error> {
    let reading = retry(async || {
        let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
        let rules = Arc::clone(&exclusive.rules);
        // Read the clock once, so that the advance is exact.
        let real_now = core.clock.now();
        let before = exclusive.clock.at(real_now);
        let now = target(by, before)?;
        for segment in rules.segments.iter().filter(|segment| segment.filter.depends_on_time()) {
            while !settle(caller, &mut exclusive, &rules, segment).await?.is_complete {}
        }
        let from = exclusive.time.of_evaluation().min(now);
        move_members(caller, &mut exclusive, &rules, from, now).await?;
        let clock = ProjectClock::showing(now, exclusive.clock.is_frozen(), real_now);
        store(&mut exclusive, caller, clock).await?;
        exclusive.commit().await?;
        Ok(ClockReading { clock, now })
    })
    .await?;
    core.credentials.invalidate();
    core.delivery_notifier.notify();
    Ok(reading)
}

/// Returns the time to which the clock is advanced.
fn target(by: Advance, before: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    match by {
        Advance::By(duration) => {
            let now = duration.after(before).unwrap_or(CLOCK_END);
            check(now, "by").map(|()| now)
        }
        Advance::To(now) if now < before => {
            let details = format!("Property .to must not be before the time of the clock, {}", timestamp::text(before));
            Err(Error::Invalid { details })
        }
        Advance::To(now) => check(now, "to").map(|()| now),
    }
}

/// A customer that enters or leaves the segment at the position `segment` of the rules.
struct PlannedMove {
    at: DateTime<Utc>,
    customer_id: String,
    segment: usize,
    has_entered: bool,
}

/// Moves the members of all segments as time passes from `from` to `now`, and records the moves of the active ones.
async fn move_members(
    caller: &Caller,
    exclusive: &mut ExclusiveTransaction,
    rules: &Rules,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let project = caller.project;
    let mut planned = Vec::new();
    for (index, segment) in rules.segments.iter().enumerate() {
        if !segment.filter.depends_on_time() {
            continue;
        }
        let connection = exclusive.connection();
        if segment.records_membership_changes() {
            plan_moves(connection, project, (index, segment), from, now, &mut planned).await?;
        }
        let changed = segment.filter.changed_values(from, now, CustomerField::is_never_in_future);
        db::segments::recompute_members(connection, project, &segment.id, &segment.filter, Some(&changed), None, now)
            .await?;
        db::segments::set_evaluated_at(connection, project, &segment.id, Some(now)).await?;
    }
    planned.sort_unstable_by(|one: &PlannedMove, other| {
        (one.at, &one.customer_id, one.segment).cmp(&(other.at, &other.customer_id, other.segment))
    });
    let moves: Vec<_> = planned
        .iter()
        .map(|planned| Move {
            customer_id: &planned.customer_id,
            segment: &rules.segments[planned.segment],
            kind: if planned.has_entered { ActivityType::SegmentEntered } else { ActivityType::SegmentLeft },
            at: planned.at,
        })
        .collect();
    let ExclusiveTransaction { transaction, ids, .. } = exclusive;
    record_moves(caller, transaction, ids, rules, &moves).await.map(drop)
}

/// Adds the moves into and out of one segment.
async fn plan_moves(
    connection: &mut PgConnection,
    project: ProjectId,
    (index, segment): (usize, &FilteredSegment),
    from: DateTime<Utc>,
    now: DateTime<Utc>,
    planned: &mut Vec<PlannedMove>,
) -> Result<(), Error> {
    let changed = segment.filter.changed_values(from, now, CustomerField::is_never_in_future);
    if changed.is_empty() {
        return Ok(());
    }
    let counted: Vec<_> = segment.filter.counted_events().map(str::to_owned).collect();
    let timeline = Arc::new(Timeline::new(segment.filter.clone(), from, now));
    let mut after = String::new();
    loop {
        let ids =
            db::segments::list_affected_customers(connection, project, &changed, &after, CUSTOMERS_PER_BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after.clone_from(last);
        let customers = db::customers::find_all(connection, project, &ids).await?;
        let counts = if counted.is_empty() {
            HashMap::new()
        } else {
            db::events::count_by_name(connection, project, &ids, &counted).await?
        };
        for (customer_id, changes) in changes_of(&timeline, customers, counts).await? {
            let moves = changes.into_iter().map(|(at, has_entered)| PlannedMove {
                at,
                customer_id: customer_id.clone(),
                segment: index,
                has_entered,
            });
            planned.extend(moves);
        }
        if planned.len() > MAX_MOVES {
            let details = format!(
                "The clock cannot be advanced so far at once: customers would enter and leave active segments more than {MAX_MOVES} times"
            );
            return Err(Error::Invalid { details });
        }
    }
}

/// Returns when each of the customers enters and leaves.
async fn changes_of(
    timeline: &Arc<Timeline>,
    customers: Vec<Customer>,
    mut event_counts: HashMap<String, HashMap<String, i64>>,
) -> Result<Vec<(String, Vec<(DateTime<Utc>, bool)>)>, Error> {
    let timeline = Arc::clone(timeline);
    let evaluation = move || {
        let changes = customers.into_iter().map(|customer| {
            let values = CustomerValues::of(&customer, event_counts.remove(&customer.id).unwrap_or_default());
            (customer.id, timeline.changes(&values))
        });
        changes.collect()
    };
    spawn_blocking(evaluation).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Error::Database(sqlx::Error::PoolClosed),
    })
}
