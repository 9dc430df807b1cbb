//! Creating, changing and deleting customers.

use super::retry::retry;
use super::write::{CustomerBatch, Recording, UnitOfWork, lock_customer, new_customer};
use super::{Caller, Core, Error};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference, deleted_source_id};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::ids::IdSource;

/// Creates the customer that `reference` describes, or updates it when its `id` or `source_id` is known.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown `id`, and [`Error::Invalid`] when the merged metadata is too large.
pub async fn save(core: &Core, caller: &Caller, reference: CustomerReference) -> Result<Customer, Error> {
    // Identifiers that follow from a seed are counted in a transaction.
    if reference.id.is_none() && !caller.control.is_seeded {
        // The customer is usually new. Try the creation first, which takes a single statement.
        let cached = core.rules_cache.project(caller.project).await;
        let _lock = cached.lock_shared().await;
        // Read the rules before the clock: if a segment is brought up to date for a later time, the version of these
        // rules is outdated and the insert fails.
        let rules = cached.rules();
        // On an error go on below: the customer may exist, and an update has weaker checks; or the cached rules are
        // outdated.
        core.note_deliveries(caller.project, &rules).await?;
        let mut ids = IdSource::random_from(&core.ids);
        let now = core.now(caller);
        if let Ok(new) = new_customer(&mut ids, caller, &rules, &reference, Recording::Request, now).await {
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
        let mut batch = CustomerBatch::lock(&mut work, &[&reference], Vec::new()).await?;
        let saved = batch.save(&mut work, &reference).await?;
        batch.write(&mut work).await?;
        work.commit().await?;
        Ok(batch.into_customer(saved.index))
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
        let known = lock_customer(&mut work, identifier).await?;
        if patch.is_empty() {
            return Ok(known);
        }
        let mut batch = CustomerBatch::default();
        let index = batch.add_locked(known);
        batch.change(&mut work, index, patch.clone()).await?;
        batch.write(&mut work).await?;
        work.commit().await?;
        Ok(batch.into_customer(index))
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
        let mut known = lock_customer(&mut work, identifier).await?;
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
        let mut known = lock_customer(&mut work, identifier).await?;
        known.state = state.cloned();
        db::customers::update_state(work.connection(), caller.project, &known.id, state).await?;
        work.mark_changed(&known);
        work.commit().await?;
        Ok(known)
    })
    .await
}
