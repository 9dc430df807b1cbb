//! Double opt-in: customers that exist only after they have confirmed what a page sent.

use super::retry::retry;
use super::write::{CustomerBatch, Recording, UnitOfWork, apply_patch, new_from};
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::db::distribution;
use crate::domain::customer::{Customer, CustomerReference};
use crate::domain::identifier::Identifier;
use crate::domain::limits::UNCONFIRMED_CUSTOMER_RETENTION_DAYS;
use crate::domain::unconfirmed_customer::UnconfirmedCustomer;
use crate::ids::IdSource;

/// How many expired rows one statement deletes.
const ROWS_PER_STATEMENT: i64 = 10_000;

/// Stores an unconfirmed customer. It replaces the one with the same source id or, when it has none, the one with the
/// same e-mail address, which keeps its id. Nothing is recorded, because there is no customer yet. `reference` has no
/// `id`.
///
/// # Errors
/// Returns [`Error::Invalid`] and [`Error::InvalidMetadata`] when the customer could not be created or updated now.
pub async fn create(core: &Core, caller: &Caller, reference: CustomerReference) -> Result<UnconfirmedCustomer, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        check(&mut work, &reference).await?;
        let CustomerReference { id: _, source_id, patch } = reference.clone();
        let new = UnconfirmedCustomer { id: work.ids.random("ucust_"), source_id, patch, requested_at: work.now };
        let id = db::unconfirmed_customers::save(work.connection(), caller.project, &new).await?;
        work.commit().await?;
        Ok(UnconfirmedCustomer { id, ..new })
    })
    .await
}

/// Checks a customer against the current rules of the project, as its confirmation does again later.
async fn check(work: &mut UnitOfWork<'_>, reference: &CustomerReference) -> Result<(), Error> {
    let (project, now) = (work.project(), work.now);
    let known = match &reference.source_id {
        Some(source_id) => {
            db::customers::find_by_source_id(work.connection(), project, &Identifier::new(source_id.clone())).await?
        }
        None => None,
    };
    match known {
        Some(mut known) => apply_patch(&work.rules, &mut known, reference.patch.clone(), now).map(drop),
        // The customer is not kept, and neither is the count of its identifier.
        None => new_from(&mut IdSource::random_from(&work.core.ids), &work.rules, reference, now).map(drop),
    }
}

/// Confirms an unconfirmed customer: creates the customer, or updates the one that has its source id by now, and
/// deletes the unconfirmed one.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown, confirmed or expired id, and the errors of [`create`] when the rules of
/// the project have changed; the unconfirmed customer then stays.
pub async fn confirm(core: &Core, caller: &Caller, id: &Identifier) -> Result<Customer, Error> {
    let not_found = || Error::not_found(Resource::UnconfirmedCustomer, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Confirmation(id.as_str())).await?;
        let (project, expired_before) = (caller.project, UnconfirmedCustomer::expired_before(work.now));
        let found = db::unconfirmed_customers::find(work.connection(), project, id.as_str(), expired_before).await?;
        let Some(found) = found else { return Err(not_found()) };
        // Lock the customer before the unconfirmed one: an erasure locks them in this order.
        let mut batch = CustomerBatch::lock(&mut work, &[&found.into_reference()], Vec::new()).await?;
        let deleted = db::unconfirmed_customers::delete(work.connection(), project, id.as_str()).await?;
        let confirmed = batch.save(&mut work, &deleted.ok_or_else(not_found)?.into_reference()).await?;
        batch.write(&mut work).await?;
        work.commit().await?;
        Ok(batch.into_customer(confirmed.index))
    })
    .await
}

/// Deletes the unconfirmed customers that can no longer be confirmed.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let now = core.clock.now();
    let mut connection = core.pool.acquire().await?;
    let is_distributed = core.pending_work.is_distributed();
    let scopes = distribution::scopes(&mut connection, is_distributed, "unconfirmed_customers").await?;
    connection.release();
    for scope in scopes {
        loop {
            let mut connection = core.pool.acquire().await?;
            let deleted = db::unconfirmed_customers::delete_expired(
                &mut connection,
                now,
                UNCONFIRMED_CUSTOMER_RETENTION_DAYS,
                ROWS_PER_STATEMENT,
                scope,
            )
            .await?;
            connection.release();
            if deleted < ROWS_PER_STATEMENT {
                break;
            }
        }
    }
    Ok(())
}
