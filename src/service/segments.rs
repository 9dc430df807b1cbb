//! Creating, deleting and settling segments.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgConnection;

use super::rules::{self, Alone, Revision};
use super::webhooks::deliveries_of;
use super::work::membership_entry;
use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::db::segments::Moved;
use crate::domain::customer::Customer;
use crate::domain::filter::{CustomerField, Subject};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits::{FILTER_BYTES, FILTERED_SEGMENTS};
use crate::domain::rules::{FilteredSegment, Rules};
use crate::domain::segment::{Segment, SegmentName, SegmentType};

/// Members whose entries are written at once.
const ENTRIES: usize = 500;
/// Members of an active segment whom time moves in one transaction.
const SLICE: i64 = 10_000;

/// Creates a segment with a fixed list of members. Ids that are nobody's are passed over.
///
/// # Errors
/// When the database fails.
pub async fn create_static(
    core: &Core,
    caller: &Caller,
    name: String,
    customer_ids: &[String],
) -> Result<Segment, Error> {
    let segment = new(core, name, SegmentType::Static, None);
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        db::segments::insert(&mut transaction, caller.project, &segment).await?;
        if !customer_ids.is_empty() {
            db::segments::insert_members(&mut transaction, caller.project, &segment.id, customer_ids).await?;
        }
        transaction.commit().await?;
        Ok(segment.clone())
    })
    .await
}

/// Creates a segment with everyone who passes a filter, from now on. That they are in it is not entered in their activity:
/// they have not changed.
///
/// # Errors
/// [`Error::Filter`] for a filter that is none; [`Error::Invalid`] where there are as many as there may be.
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
    let created = new(core, name, kind, Some(text));
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        revision.before().customer_filter(filter)?;
        if revision.before().segments.len() >= FILTERED_SEGMENTS {
            let details = format!("A project cannot have more than {FILTERED_SEGMENTS} active and passive segments");
            return Err(Error::Invalid { details });
        }
        let segment = Segment { created_at: core.clock.now(), ..created.clone() };
        db::segments::insert(revision.connection(), caller.project, &segment).await?;
        revision.commit().await?;
        Ok(segment)
    })
    .await
}

fn new(core: &Core, name: String, kind: SegmentType, filter: Option<JsonText>) -> Segment {
    let (id, created_at) = (core.ids.random("seg_"), core.clock.now());
    Segment { id, name, kind, filter, created_at, updated_at: None, evaluated_at: None }
}

/// Deletes a segment; its members stay customers.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    let not_found = || Error::not_found(Resource::Segment, id.as_str());
    // The counts of rows are kept under other names, too, which are no ids of segments.
    if !db::segments::may_be_id(id) {
        return Err(not_found());
    }
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        if !db::segments::delete(revision.connection(), caller.project, id.as_str()).await? {
            return Err(not_found());
        }
        revision.commit().await?;
        Ok(())
    })
    .await
}

/// The segments that a customer is in, oldest first: those that list it, and those whose filter it passes now. Without a
/// customer, those whose filter a person passes of whom nothing is known.
///
/// # Errors
/// When the database fails.
pub async fn of_customer(
    core: &Core,
    connection: &mut PgConnection,
    caller: &Caller,
    customer: Option<&Customer>,
) -> Result<Vec<SegmentName>, Error> {
    let rules = rules::current(core, connection, caller.project).await?;
    let mut named = Vec::new();
    let mut subject = Subject::default();
    if let Some(customer) = customer {
        named = db::segments::static_of_customer(connection, caller.project, &customer.id).await?;
        if !rules.segments.is_empty() {
            let (ids, counted) = ([customer.id.clone()], rules.counted_events());
            let mut counts = if counted.is_empty() {
                HashMap::new()
            } else {
                db::events::count_of(connection, caller.project, &ids, &counted).await?
            };
            subject = Subject::of(customer, counts.remove(&customer.id).unwrap_or_default());
        }
    }
    named.extend(rules.segments_of(&subject, core.clock.now()).map(|segment| (segment.created_at, segment.named())));
    named.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
    Ok(named.into_iter().map(|(_, segment)| segment).collect())
}

/// Brings the stored members of a segment up to the time, where its filter depends on it: whoever has come in or gone out by
/// the mere passing of time is moved, and in an active segment told of it.
///
/// # Errors
/// When the database fails.
pub async fn settle(core: &Core, caller: &Caller, id: &str) -> Result<(), Error> {
    // What a slice has done stays, even where the whole takes longer than a request may.
    while !retry(async || settle_slice(core, caller, id).await).await? {}
    Ok(())
}

/// Settles a segment, of an active one so many that it is a transaction that ends soon; whether it is all right then.
async fn settle_slice(core: &Core, caller: &Caller, id: &str) -> Result<bool, Error> {
    let mut alone = Alone::begin(core, caller).await?;
    let rules = Arc::clone(&alone.rules);
    let (project, connection) = (caller.project, alone.connection());
    let (evaluated_at, _) = db::segments::evaluation(connection, project, id).await?;
    let segment = rules.segments.iter().find(|segment| segment.id == id);
    let (Some(segment), Some(then)) = (segment, evaluated_at) else {
        // It was deleted meanwhile.
        return Ok(true);
    };
    let now = core.clock.now();
    let turned = segment.filter.turned(then, now, CustomerField::is_past);
    let told = segment.is_announced().then_some(SLICE);
    let moved = db::segments::settle(connection, project, id, &segment.filter, Some(&turned), told, now).await?;
    let sends = tell(core, caller, connection, &rules, segment, &moved).await?;
    let is_settled = i64::try_from(moved.len()).is_ok_and(|moved| moved < SLICE);
    if is_settled {
        db::segments::evaluated(connection, project, id, Some(now)).await?;
        // Who has read the clock before and writes after must look at it again, or would be taken for settled.
        db::rules::bump(connection, project).await?;
    }
    alone.commit().await?;
    if sends {
        core.outbox.wake();
    }
    Ok(is_settled)
}

/// Whether the stored members of a segment are right now; mostly they are.
///
/// # Errors
/// When the database fails.
pub async fn is_settled(core: &Core, caller: &Caller, connection: &mut PgConnection, id: &str) -> Result<bool, Error> {
    let (Some(then), version) = db::segments::evaluation(connection, caller.project, id).await? else {
        return Ok(true);
    };
    let remembered = core.rules.of(caller.project).await;
    let rules = remembered.rules_of_version(connection, caller.project, version).await?;
    let Some(segment) = rules.segments.iter().find(|segment| segment.id == id) else { return Ok(true) };
    let turned = segment.filter.turned(then, core.clock.now(), CustomerField::is_past);
    if turned.is_empty() {
        return Ok(true);
    }
    Ok(!db::segments::turn_concerns(connection, caller.project, &turned).await?)
}

/// Enters in the activity of those who moved that they did, and puts it in line for the webhooks that want to know; whether any
/// does.
async fn tell(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    rules: &Rules,
    segment: &FilteredSegment,
    moved: &[Moved],
) -> Result<bool, Error> {
    let mut sends = false;
    for moved in moved.chunks(ENTRIES) {
        let ids: Vec<_> = moved.iter().map(|moved| moved.customer_id.clone()).collect();
        let customers = db::customers::find_all(connection, caller.project, &ids).await?;
        let now = core.clock.now();
        let entries: Vec<_> = moved
            .iter()
            .filter_map(|moved| {
                let customer = customers.iter().find(|customer| customer.id == moved.customer_id)?;
                Some(membership_entry(core, caller, moved.kind(), customer, segment, now))
            })
            .collect();
        db::activity::insert(connection, caller.project, &entries).await?;
        let deliveries = deliveries_of(core, rules, &entries, now);
        if !deliveries.is_empty() {
            db::webhook_deliveries::insert(connection, caller.project, &deliveries, now).await?;
            sends = true;
        }
    }
    Ok(sends)
}
