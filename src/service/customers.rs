//! Creating, changing and deleting customers.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::retry::retry;
use super::segment_evaluation::evaluate;
use super::webhooks::new_deliveries::deliveries_for;
use super::write::{Recording, UnitOfWork, membership_entry};
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::db::customers::NewCustomer;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{
    Customer, CustomerPatch, CustomerReference, IndexedFields, OrderSummary, deleted_source_id,
};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::metadata_schema::Write;
use crate::domain::rules::Rules;
use crate::domain::unconfirmed_customer::UnconfirmedCustomer;

/// Creates the customer that `reference` describes, or updates it when its `id` or `source_id` is known.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown `id`, and [`Error::Invalid`] when the merged metadata is too large.
pub async fn save(core: &Core, caller: &Caller, reference: CustomerReference) -> Result<Customer, Error> {
    if reference.id.is_none() {
        // The customer is usually new. Try the creation first, which takes a single statement.
        let cached = core.rules_cache.project(caller.project).await;
        let _lock = cached.lock_shared().await;
        // Read the rules before the clock: if a segment is brought up to date for a later time, the version of these
        // rules is outdated and the insert fails.
        let rules = cached.rules();
        // On an error go on below: the customer may exist, and an update has weaker checks; or the cached rules are
        // outdated.
        if let Ok(new) = new_customer(core, caller, &rules, &reference, Recording::Request, core.clock.now()).await {
            let (customer, has_deliveries) = (new.customer.clone(), !new.deliveries.is_empty());
            if core.batches.insert_customer(caller.project, new).await? {
                if has_deliveries {
                    core.delivery_notifier.notify();
                }
                return Ok(customer);
            }
        }
    }
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let saved = match lock_referenced(&mut work, &reference).await? {
            Some(mut known) => {
                change(&mut work, &mut known, reference.patch.clone()).await?;
                known
            }
            None => create(&mut work, &reference).await?,
        };
        work.commit().await?;
        Ok(saved)
    })
    .await
}

/// Applies a patch to a customer. An empty patch changes nothing.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier, and [`Error::Invalid`] when the merged metadata is too large.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    patch: CustomerPatch,
) -> Result<Customer, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let mut known = lock(&mut work, identifier).await?;
        if !patch.is_empty() {
            change(&mut work, &mut known, patch.clone()).await?;
            work.commit().await?;
        }
        Ok(known)
    })
    .await
}

/// Deletes a customer softly: it can no longer be found and leaves its segments, and its source id becomes free. The
/// row stays, with a rewritten source id, until the customer is erased.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn delete(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let mut known = lock(&mut work, identifier).await?;
        let (project, now) = (caller.project, work.now);
        known.source_id = known.source_id.map(|source_id| deleted_source_id(&source_id, now));
        known.updated_at = Some(now);
        db::customers::mark_deleted(work.connection(), project, &known, now).await?;
        db::segments::remove_customer(work.connection(), project, &known.id).await?;
        work.record_customer(&known, ActivityType::CustomerDeleted);
        work.commit().await?;
        Ok(())
    })
    .await
}

/// Sets the data that other resources maintain on a customer: redemptions, loyalty, referrals, system metadata.
/// `updated_at` of the customer does not change.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn set_state(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    state: Option<&JsonText>,
) -> Result<Customer, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let mut known = lock(&mut work, identifier).await?;
        known.state = state.cloned();
        db::customers::update_state(work.connection(), caller.project, &known.id, state).await?;
        work.mark_changed(&known);
        work.commit().await?;
        Ok(known)
    })
    .await
}

/// Locks and returns the customer with that identifier.
pub(super) async fn lock(work: &mut UnitOfWork<'_>, identifier: &Identifier) -> Result<Customer, Error> {
    let project = work.project();
    db::customers::lock(work.connection(), project, identifier)
        .await?
        .ok_or_else(|| Error::not_found(Resource::Customer, identifier.as_str()))
}

/// Finds and locks the customer of a reference, and applies its patch; creates the customer when it is unknown. Orders
/// and events use this. A reference without a patch changes nothing.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown `id`, and [`Error::LostRace`] when a concurrent request creates the
/// customer.
pub(super) async fn resolve(work: &mut UnitOfWork<'_>, reference: &CustomerReference) -> Result<Customer, Error> {
    let mut locked: Vec<_> = lock_referenced(work, reference).await?.into_iter().collect();
    resolve_locked(work, &mut locked, reference).await
}

/// Locks and returns the existing customers with these `ids` and of these `references`. Every transaction locks
/// customers in the same order, so that two of them never deadlock.
pub(super) async fn lock_all(
    work: &mut UnitOfWork<'_>,
    references: &[&CustomerReference],
    mut ids: Vec<String>,
) -> Result<Vec<Customer>, Error> {
    let mut source_ids = Vec::new();
    for reference in references {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => ids.push(id.clone()),
            (None, Some(source_id)) => source_ids.push(source_id.clone()),
            (None, None) => {}
        }
    }
    if ids.is_empty() && source_ids.is_empty() {
        return Ok(Vec::new());
    }
    let project = work.project();
    Ok(db::customers::lock_all(work.connection(), project, &ids, &source_ids).await?)
}

/// Does the same as [`resolve`] with customers that are already `locked`. A created customer is added to them.
pub(super) async fn resolve_locked(
    work: &mut UnitOfWork<'_>,
    locked: &mut Vec<Customer>,
    reference: &CustomerReference,
) -> Result<Customer, Error> {
    let known = locked.iter_mut().find(|customer| match (&reference.id, &reference.source_id) {
        (Some(id), _) => customer.id == *id,
        (None, Some(source_id)) => customer.source_id.as_ref() == Some(source_id),
        (None, None) => false,
    });
    match (known, &reference.id) {
        (Some(known), _) => {
            if !reference.patch.is_empty() {
                change(work, known, reference.patch.clone()).await?;
            }
            Ok(known.clone())
        }
        (None, Some(id)) => Err(Error::not_found(Resource::Customer, id.as_str())),
        (None, None) => {
            let created = create(work, reference).await?;
            locked.push(created.clone());
            Ok(created)
        }
    }
}

/// Locks and returns the known customer of a reference, or `None` where the reference describes a new one. The id takes
/// precedence over the source id.
async fn lock_referenced(work: &mut UnitOfWork<'_>, reference: &CustomerReference) -> Result<Option<Customer>, Error> {
    let project = work.project();
    match (&reference.id, &reference.source_id) {
        (Some(id), _) => db::customers::lock_by_id(work.connection(), project, id)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))
            .map(Some),
        (None, Some(source_id)) => Ok(db::customers::lock_by_source_id(work.connection(), project, source_id).await?),
        (None, None) => Ok(None),
    }
}

/// Creates the customer of a reference, which must be unknown.
///
/// # Errors
/// Returns [`Error::LostRace`] when a concurrent request creates the customer.
pub(super) async fn create(work: &mut UnitOfWork<'_>, reference: &CustomerReference) -> Result<Customer, Error> {
    create_because(work, reference, Recording::Request).await
}

async fn create_because(
    work: &mut UnitOfWork<'_>,
    reference: &CustomerReference,
    recording: Recording<'_>,
) -> Result<Customer, Error> {
    let (core, caller, now) = (work.core, work.caller, work.now);
    let mut new = new_customer(core, caller, &work.rules, reference, recording, now).await?;
    (new.due_at, new.is_time_checked) = (work.due_at(), true);
    work.register_deliveries(&new);
    if db::customers::insert(work.connection(), caller.project, &new).await? {
        // The new row needs no lock: other transactions do not see it before the commit.
        return Ok(new.customer);
    }
    // A concurrent transaction has created the customer, or the rules have changed. The next attempt sees that.
    Err(Error::LostRace)
}

/// Applies a patch to a locked customer, and stores and records the change.
pub(super) async fn change(
    work: &mut UnitOfWork<'_>,
    customer: &mut Customer,
    patch: CustomerPatch,
) -> Result<(), Error> {
    change_because(work, customer, patch, Recording::Request).await
}

/// Creates the customer that an unconfirmed customer describes, or updates the locked customer `known`, and records
/// that the unconfirmed customer was confirmed.
///
/// # Errors
/// Returns the errors of [`create`] and [`change`].
pub(super) async fn confirm(
    work: &mut UnitOfWork<'_>,
    known: Option<Customer>,
    unconfirmed: UnconfirmedCustomer,
) -> Result<Customer, Error> {
    let id = unconfirmed.id.clone();
    let (recording, reference) = (Recording::Confirmation(&id), unconfirmed.into_reference());
    let Some(mut known) = known else { return create_because(work, &reference, recording).await };
    change_because(work, &mut known, reference.patch, recording).await?;
    Ok(known)
}

async fn change_because(
    work: &mut UnitOfWork<'_>,
    customer: &mut Customer,
    patch: CustomerPatch,
    recording: Recording<'_>,
) -> Result<(), Error> {
    let indexed_fields = apply_patch(&work.rules, customer, patch, work.now)?;
    let project = work.project();
    db::customers::update(work.connection(), project, customer, &indexed_fields).await?;
    if let Some((kind, data)) = recording.of_customer(customer, ActivityType::CustomerUpdated) {
        work.record_activity(&customer.id, kind, data);
    }
    work.mark_changed(customer);
    Ok(())
}

/// Checks the size of metadata as it will be stored.
pub(super) fn check_metadata_size(metadata: Option<&JsonText>) -> Result<(), Error> {
    if metadata.is_none_or(|metadata| metadata.as_str().len() <= limits::METADATA_BYTES) {
        return Ok(());
    }
    let details = format!("Property .metadata must NOT be larger than {} bytes", limits::METADATA_BYTES);
    Err(Error::Invalid { details })
}

/// Builds a new customer from a reference, with the fields that lists search.
pub(super) fn new_from(
    core: &Core,
    rules: &Rules,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<(Customer, IndexedFields), Error> {
    let sent = reference.patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Creation).map_err(Error::invalid_metadata)?;
    let (profile, metadata, indexed_fields) = reference.patch.clone().into_new();
    check_metadata_size(metadata.as_ref())?;
    let customer = Customer {
        id: core.ids.random("cust_"),
        source_id: reference.source_id.clone(),
        profile,
        metadata,
        orders: OrderSummary::default(),
        state: None,
        created_at: now,
        updated_at: None,
    };
    Ok((customer, indexed_fields))
}

/// Checks the metadata of a patch against its schema, applies the patch to a customer, and returns the fields that
/// lists search.
pub(super) fn apply_patch(
    rules: &Rules,
    customer: &mut Customer,
    patch: CustomerPatch,
    now: DateTime<Utc>,
) -> Result<IndexedFields, Error> {
    let has_metadata = !patch.metadata.is_absent();
    let sent = patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Change).map_err(Error::invalid_metadata)?;
    let indexed_fields = patch.apply(customer, now);
    if has_metadata {
        check_metadata_size(customer.metadata.as_ref())?;
    }
    Ok(indexed_fields)
}

/// Builds a new customer from a reference, with the segments that it enters and its activity entries.
async fn new_customer(
    core: &Core,
    caller: &Caller,
    rules: &Arc<Rules>,
    reference: &CustomerReference,
    recording: Recording<'_>,
    now: DateTime<Utc>,
) -> Result<NewCustomer, Error> {
    let (customer, indexed_fields) = new_from(core, rules, reference, now)?;
    let mut entries = Vec::with_capacity(1);
    if let Some((kind, data)) = recording.of_customer(&customer, ActivityType::CustomerCreated) {
        entries.push(core.activity_entry(caller, &customer.id, kind, data, now));
    }
    let (mut segment_ids, mut moments) = (Vec::new(), Vec::new());
    if !rules.segments.is_empty() {
        let (_, results) = evaluate(rules, now, vec![customer.clone()], HashMap::new()).await?;
        let evaluated = results.into_iter().next().unwrap_or_default();
        moments = evaluated.moments;
        for segment in evaluated.segments.into_iter().map(|index| &rules.segments[index]) {
            segment_ids.push(segment.id.clone());
            if segment.records_membership_changes() {
                entries.push(membership_entry(core, caller, ActivityType::SegmentEntered, &customer, segment, now));
            }
        }
    }
    let deliveries = deliveries_for(core, rules, &entries, now);
    Ok(NewCustomer {
        customer,
        indexed_fields,
        entries,
        deliveries,
        segment_ids,
        moments,
        rules_version: rules.version,
        due_at: now,
        is_time_checked: false,
    })
}
