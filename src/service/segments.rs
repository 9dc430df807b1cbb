//! Segments: creating and deleting them, and keeping their members up to date.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::id_source::{id_source, store_id_counts};
use super::membership_moves::{Move, record_moves};
use super::retry::retry;
use super::rules::{self, ExclusiveTransaction, RulesChange};
use super::segment_evaluation::{evaluate, evaluate_values};
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::customer::Customer;
use crate::domain::filter::{CustomerField, CustomerValues};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits::{FILTER_BYTES, FILTERED_SEGMENTS_PER_PROJECT};
use crate::domain::rules::{FilteredSegment, Rules};
use crate::domain::segment::{Segment, SegmentName, SegmentType};
use crate::ids::IdSource;

/// How many customers one transaction moves into or out of an active segment.
const MAX_MOVES_PER_TRANSACTION: i64 = 10_000;

/// Creates a segment with a fixed list of members. Unknown customer ids are ignored.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn create_static(
    core: &Core,
    caller: &Caller,
    name: String,
    customer_ids: &[String],
) -> Result<Segment, Error> {
    retry(async || {
        let (mut transaction, state) = db::rules::begin_shared(&core.pool, caller.project).await?;
        let mut ids = id_source(core, &mut transaction, caller.project, state.identifier_seed).await?;
        let segment = new_segment(&mut ids, name.clone(), SegmentType::Static, None, core.now(caller));
        db::segments::insert(&mut transaction, caller.project, &segment).await?;
        if !customer_ids.is_empty() {
            db::segments::insert_members(&mut transaction, caller.project, &segment.id, customer_ids).await?;
        }
        store_id_counts(&mut transaction, caller.project, &ids).await?;
        transaction.commit().await?;
        Ok(segment)
    })
    .await
}

/// Creates a segment whose members are the customers that match a filter, now and later. The first members get no
/// activity entry, because they have not changed.
///
/// # Errors
/// Returns [`Error::Filter`] for an invalid filter, and [`Error::Invalid`] when the filter is too large or the project
/// has too many filtered segments.
pub async fn create_filtered(
    core: &Core,
    caller: &Caller,
    name: String,
    kind: SegmentType,
    filter: &serde_json::Value,
) -> Result<Segment, Error> {
    let text = JsonText::of(filter);
    if text.as_str().len() > FILTER_BYTES {
        return Err(Error::Invalid {
            details: format!("Property .filter must NOT be larger than {FILTER_BYTES} bytes"),
        });
    }
    retry(async || {
        let mut change = RulesChange::begin(core, caller).await?;
        change.before().customer_filter(filter)?;
        if change.before().segments.len() >= FILTERED_SEGMENTS_PER_PROJECT {
            let details =
                format!("A project cannot have more than {FILTERED_SEGMENTS_PER_PROJECT} active and passive segments");
            return Err(Error::Invalid { details });
        }
        let now = change.now();
        let segment = new_segment(change.ids(), name.clone(), kind, Some(text.clone()), now);
        db::segments::insert(change.connection(), caller.project, &segment).await?;
        change.commit().await?;
        Ok(segment)
    })
    .await
}

fn new_segment(
    ids: &mut IdSource,
    name: String,
    kind: SegmentType,
    filter: Option<JsonText>,
    created_at: DateTime<Utc>,
) -> Segment {
    Segment { id: ids.random("seg_"), name, kind, filter, created_at, updated_at: None, evaluated_at: None }
}

/// Deletes a segment. The customers in it stay.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    let not_found = || Error::not_found(Resource::Segment, id.as_str());
    // The table of row counts also has names that are not segment ids. Never delete under such a name.
    if !db::segments::may_be_id(id) {
        return Err(not_found());
    }
    retry(async || {
        let mut change = RulesChange::begin(core, caller).await?;
        if !db::segments::delete(change.connection(), caller.project, id.as_str()).await? {
            return Err(not_found());
        }
        change.commit().await?;
        Ok(())
    })
    .await
}

/// Returns the segments of a customer, oldest first: the static segments that contain it, and the segments whose filter
/// it matches now. Without a customer, returns the segments whose filter a customer without any data matches.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn of_customer(
    core: &Core,
    connection: &mut PgConnection,
    caller: &Caller,
    customer: Option<&Customer>,
) -> Result<Vec<SegmentName>, Error> {
    let (rules, now) = rules::current(core, connection, caller.project).await?;
    let mut segments = Vec::new();
    let mut matching = Vec::new();
    if let Some(customer) = customer {
        segments = db::segments::list_static_of_customer(connection, caller.project, &customer.id).await?;
        if !rules.segments.is_empty() {
            let (ids, counted) = ([customer.id.clone()], rules.counted_events());
            let counts = if counted.is_empty() {
                HashMap::new()
            } else {
                db::events::count_by_name(connection, caller.project, &ids, &counted).await?
            };
            let (_, results) = evaluate(&rules, now, vec![customer.clone()], counts).await?;
            matching = results.into_iter().flat_map(|evaluated| evaluated.segments).collect();
        }
    } else {
        matching = evaluate_values(&rules, &CustomerValues::default(), now).segments;
    }
    let matching = matching.into_iter().map(|index| &rules.segments[index]);
    segments.extend(matching.map(|segment| (segment.created_at, segment.id_and_name())));
    segments.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
    Ok(segments.into_iter().map(|(_, segment)| segment).collect())
}

/// Updates the stored members of a segment whose filter depends on the time: adds and removes the customers that match
/// or no longer match only because time has passed. An active segment also records this in their activity.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn bring_up_to_date(core: &Core, caller: &Caller, id: &str) -> Result<(), Error> {
    // Each transaction commits, so progress is kept even if the whole update exceeds the time limit of the request.
    while !retry(async || move_some(core, caller, id).await).await? {}
    Ok(())
}

/// Moves the customers of a segment in one transaction, for an active segment a limited number of them. Returns whether
/// the segment is up to date then.
async fn move_some(core: &Core, caller: &Caller, id: &str) -> Result<bool, Error> {
    let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
    let rules = Arc::clone(&exclusive.rules);
    let Some(segment) = rules.segments.iter().find(|segment| segment.id == id) else {
        // The segment was deleted in the meantime.
        return Ok(true);
    };
    let settled = settle(caller, &mut exclusive, &rules, segment).await?;
    if settled.is_complete {
        // Raise the rules version. A writer that read the clock before this commit then fails its version check and
        // reads the clock again; otherwise its memberships would be those of an earlier time.
        db::rules::increment_version(exclusive.connection(), caller.project).await?;
    }
    exclusive.commit().await?;
    if settled.has_deliveries {
        core.delivery_notifier.notify();
    }
    Ok(settled.is_complete)
}

/// The outcome of [`settle`].
pub(super) struct Settled {
    /// Whether the members of the segment are correct at the time of the transaction.
    pub is_complete: bool,
    /// Whether deliveries to webhooks were queued.
    pub has_deliveries: bool,
}

/// Adds and removes the customers that match or no longer match a segment because time has passed, for an active segment a limited
/// number of them. The caller must increment the version of the rules when the segment is complete.
pub(super) async fn settle(
    caller: &Caller,
    exclusive: &mut ExclusiveTransaction,
    rules: &Rules,
    segment: &FilteredSegment,
) -> Result<Settled, Error> {
    let (project, time, id) = (caller.project, exclusive.time, &segment.id);
    let ExclusiveTransaction { transaction: connection, ids, .. } = exclusive;
    let (Some(then), _) = db::segments::find_evaluation(connection, project, id).await? else {
        return Ok(Settled { is_complete: true, has_deliveries: false });
    };
    let now = time.of_evaluation();
    let changed_values = segment.filter.changed_values(then, now, CustomerField::is_never_in_future);
    let limit = segment.records_membership_changes().then_some(MAX_MOVES_PER_TRANSACTION);
    let moved =
        db::segments::recompute_members(connection, project, id, &segment.filter, Some(&changed_values), limit, now)
            .await?;
    let recorded: Vec<_> = moved
        .iter()
        .map(|moved| Move { customer_id: &moved.customer_id, segment, kind: moved.kind(), at: time.clock })
        .collect();
    let has_deliveries = record_moves(caller, connection, ids, rules, &recorded).await?;
    let is_complete = i64::try_from(moved.len()).is_ok_and(|moved| moved < MAX_MOVES_PER_TRANSACTION);
    if is_complete {
        db::segments::set_evaluated_at(connection, project, id, Some(now)).await?;
    }
    Ok(Settled { is_complete, has_deliveries })
}

/// Whether the stored members of a segment are correct at the current time. Usually they are.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn is_up_to_date(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    id: &str,
) -> Result<bool, Error> {
    let (Some(then), state) = db::segments::find_evaluation(connection, caller.project, id).await? else {
        return Ok(true);
    };
    let cached = core.rules_cache.project(caller.project).await;
    let rules =
        cached.rules_of_version(&core.metrics.caches.rules, connection, caller.project, state.rules_version).await?;
    let Some(segment) = rules.segments.iter().find(|segment| segment.id == id) else { return Ok(true) };
    let now = core.project_time(&state).of_evaluation();
    let changed_values = segment.filter.changed_values(then, now, CustomerField::is_never_in_future);
    if changed_values.is_empty() {
        return Ok(true);
    }
    Ok(!db::segments::has_affected_customers(connection, caller.project, &changed_values).await?)
}
