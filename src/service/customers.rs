//! Creating, changing and deleting customers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::webhooks::deliveries_of;
use super::work::membership_entry;
use super::{Caller, Core, Error, Resource, Work, retry};
use crate::db;
use crate::db::customers::NewCustomer;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference, OrderSummary, Searched, deleted_source_id};
use crate::domain::filter::Subject;
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::metadata_schema::Write;
use crate::domain::rules::Rules;
use crate::objects::{ObjectWriter, customer, rendered};

/// Creates the customer that `reference` describes or, where its `id` or `source_id` is known, updates that one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown `id`; [`Error::Invalid`] when the merged metadata is too large.
pub async fn save(core: &Core, caller: &Caller, reference: CustomerReference) -> Result<Customer, Error> {
    if reference.id.is_none() {
        // Mostly the customer is new, and then one statement does it all.
        let remembered = core.rules.of(caller.project).await;
        let _gate = remembered.enter().await;
        // The rules before the clock: a segment that is settled at a later time makes them old.
        let rules = remembered.rules();
        // What it refuses may be known, and then less is asked of it; or the rules may be old.
        if let Ok(new) = new_customer(core, caller, &rules, &reference, core.clock.now()) {
            let mut connection = core.pool.acquire().await?;
            match db::customers::insert(&mut connection, caller.project, &new).await {
                Ok(inserted) => {
                    connection.release();
                    if inserted {
                        if !new.deliveries.is_empty() {
                            core.outbox.wake();
                        }
                        return Ok(new.customer);
                    }
                }
                Err(error) if db::error::is_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
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

/// Changes a known customer as `patch` says; a patch that says nothing changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier; [`Error::Invalid`] when the merged metadata is too large.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    patch: CustomerPatch,
) -> Result<Customer, Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
        let mut known = lock(&mut work, identifier).await?;
        if !patch.is_empty() {
            change(&mut work, &mut known, patch.clone()).await?;
            work.commit().await?;
        }
        Ok(known)
    })
    .await
}

/// Deletes a customer softly: it is found no more and leaves its segments, its source id is free, and the row stays under
/// a rewritten one until it is forgotten.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn delete(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
        let mut known = lock(&mut work, identifier).await?;
        let (project, now) = (caller.project, work.now);
        known.source_id = known.source_id.map(|source_id| deleted_source_id(&source_id, now));
        known.updated_at = Some(now);
        db::customers::mark_deleted(work.connection(), project, &known, now).await?;
        db::segments::remove_customer(work.connection(), project, &known.id).await?;
        work.tell(&known.id, ActivityType::CustomerDeleted, payload(&known));
        work.commit().await?;
        Ok(())
    })
    .await
}

/// Sets what a customer earned elsewhere: redemptions, loyalty, referrals. It is no update of the customer's own.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn set_state(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    state: Option<&JsonText>,
) -> Result<Customer, Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
        let mut known = lock(&mut work, identifier).await?;
        known.state = state.cloned();
        db::customers::set_state(work.connection(), caller.project, &known.id, state).await?;
        work.touch(&known);
        work.commit().await?;
        Ok(known)
    })
    .await
}

/// The customer with that identifier, locked.
pub(super) async fn lock(work: &mut Work<'_>, identifier: &Identifier) -> Result<Customer, Error> {
    let project = work.project();
    db::customers::lock(work.connection(), project, identifier)
        .await?
        .ok_or_else(|| Error::not_found(Resource::Customer, identifier.as_str()))
}

/// The customer that a body names, locked: found, changed as the body says, or created. This is how a customer comes into
/// being through an order or an event; a reference that only names one changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown `id`; [`Error::Database`] with a race where another created it at the same time.
pub(super) async fn resolve(work: &mut Work<'_>, reference: &CustomerReference) -> Result<Customer, Error> {
    let mut locked: Vec<_> = lock_referenced(work, reference).await?.into_iter().collect();
    resolve_among(work, &mut locked, reference).await
}

/// The living customers among `ids` and those that `references` name, locked in the one order in which customers are
/// locked. What [`resolve_among`] then finds or makes is locked too.
pub(super) async fn lock_all(
    work: &mut Work<'_>,
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

/// [`resolve`], among customers that are `locked` already; one that is created is added to them.
pub(super) async fn resolve_among(
    work: &mut Work<'_>,
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

/// The known customer that a body names, locked; `None` where a new one is meant. The id wins over the source id.
async fn lock_referenced(work: &mut Work<'_>, reference: &CustomerReference) -> Result<Option<Customer>, Error> {
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

pub(super) async fn create(work: &mut Work<'_>, reference: &CustomerReference) -> Result<Customer, Error> {
    let (core, caller, now) = (work.core, work.caller, work.now);
    let mut new = new_customer(core, caller, &work.rules, reference, now)?;
    work.sends_of(&mut new);
    if db::customers::insert(work.connection(), caller.project, &new).await? {
        // Locked like one that was found: the row is this transaction's own.
        return Ok(new.customer);
    }
    // Someone else has just created it: what they committed is seen from the next attempt on.
    Err(Error::LostRace)
}

pub(super) async fn change(work: &mut Work<'_>, customer: &mut Customer, patch: CustomerPatch) -> Result<(), Error> {
    let searched = patched(&work.rules, customer, patch, work.now)?;
    let project = work.project();
    db::customers::update(work.connection(), project, customer, &searched).await?;
    work.tell(&customer.id, ActivityType::CustomerUpdated, payload(customer));
    work.touch(customer);
    Ok(())
}

/// That metadata, as it is to be stored, is not too large.
pub(super) fn check_size(metadata: Option<&JsonText>) -> Result<(), Error> {
    if metadata.is_none_or(|metadata| metadata.as_str().len() <= limits::METADATA_BYTES) {
        return Ok(());
    }
    let details = format!("Property .metadata must NOT be larger than {} bytes", limits::METADATA_BYTES);
    Err(Error::Invalid { details })
}

/// A customer made of a reference alone, and what lists search for.
pub(super) fn made_of(
    core: &Core,
    rules: &Rules,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<(Customer, Searched), Error> {
    let sent = reference.patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Creation).map_err(Error::invalid_metadata)?;
    let (profile, metadata, searched) = reference.patch.clone().into_new();
    check_size(metadata.as_ref())?;
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
    Ok((customer, searched))
}

/// Changes a customer as a patch says, where its metadata is what the schema says, and returns what lists search for.
pub(super) fn patched(
    rules: &Rules,
    customer: &mut Customer,
    patch: CustomerPatch,
    now: DateTime<Utc>,
) -> Result<Searched, Error> {
    let metadata_is_named = !patch.metadata.is_absent();
    let sent = patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Change).map_err(Error::invalid_metadata)?;
    let searched = patch.apply(customer, now);
    if metadata_is_named {
        check_size(customer.metadata.as_ref())?;
    }
    Ok(searched)
}

/// A customer made of a reference alone, with the segments that it enters and the entries that tell of it.
fn new_customer(
    core: &Core,
    caller: &Caller,
    rules: &Rules,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<NewCustomer, Error> {
    let (customer, searched) = made_of(core, rules, reference, now)?;
    let mut entries = vec![core.entry(caller, &customer.id, ActivityType::CustomerCreated, payload(&customer), now)];
    let (mut segment_ids, mut moments) = (Vec::new(), Vec::new());
    if !rules.segments.is_empty() {
        let subject = Subject::of(&customer, HashMap::new());
        moments = rules.moments_of(&subject);
        for segment in rules.segments_of(&subject, now) {
            segment_ids.push(segment.id.clone());
            if segment.is_announced() {
                entries.push(membership_entry(core, caller, ActivityType::SegmentEntered, &customer, segment, now));
            }
        }
    }
    let deliveries = deliveries_of(core, rules, &entries, now);
    Ok(NewCustomer { customer, searched, entries, deliveries, segment_ids, moments, rules_version: rules.version })
}

/// The payload of the entries that tell of the customer itself.
fn payload(of: &Customer) -> JsonText {
    rendered(|out| ObjectWriter::new(out).with("customer", |out| customer::write_full(out, of)).end())
}
