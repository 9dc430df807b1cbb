//! Erasure of a customer (the vendor's permanent deletion).

use sqlx::PgConnection;

use super::id_source::{id_source_of, store_id_counts};
use super::retry::retry;
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::db::permanent_deletions::{Erasure, Target};
use crate::domain::deletion::PermanentDeletion;
use crate::domain::identifier::Identifier;
use crate::domain::personal_values::PersonalValues;

/// Erases a customer with all dependent rows, and returns the record of what was removed. The identifier is an id,
/// which may be that of a softly deleted customer, or the source id of an existing customer. When there is no such
/// customer, it is the id, the source id or the e-mail address of an unconfirmed one.
///
/// A database function does this in a transaction of its own, which locks the customer first. An order that a
/// concurrent request connects with the customer is either visible by then and removed here, or its request finds no
/// customer and creates a new one.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn erase(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<PermanentDeletion, Error> {
    let text = identifier.as_str();
    // The source id comes again at the end: while the erasure of an unconfirmed customer waited for its confirmation, that
    // may have created the customer.
    let targets = [Target::Id(text), Target::SourceId(text), Target::Unconfirmed(text), Target::SourceId(text)];
    let first = usize::from(!db::customers::may_be_id(identifier));
    erase_first(core, caller, identifier, &targets[first..]).await
}

/// Erases the existing customer with that source id, as [`erase`] does. The identifier is not tried as an id.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown source id.
pub async fn erase_by_source_id(
    core: &Core,
    caller: &Caller,
    source_id: &Identifier,
) -> Result<PermanentDeletion, Error> {
    erase_first(core, caller, source_id, &[Target::SourceId(source_id.as_str())]).await
}

/// Erases the first of the targets that exists.
async fn erase_first(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    targets: &[Target<'_>],
) -> Result<PermanentDeletion, Error> {
    let not_found = || Error::not_found(Resource::Customer, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    retry(async || {
        let _lock = core.rules_cache.project(caller.project).await.lock_shared().await;
        let erased = if caller.control.is_seeded {
            // The count of the identifiers is stored together with the erasure.
            let mut transaction = core.pool.begin_for(caller.project).await?;
            let mut ids = id_source_of(core, &mut transaction, caller).await?;
            let erased = erase_in(core, caller, &mut transaction, &ids.random("del_"), targets).await?;
            if erased.is_some() {
                store_id_counts(&mut transaction, caller.project, &ids).await?;
            }
            transaction.commit().await?;
            erased
        } else {
            let mut connection = core.pool.acquire_for(caller.project).await?;
            let erased = erase_in(core, caller, &mut connection, &core.ids.random("del_"), targets).await?;
            connection.release();
            erased
        };
        let Erasure { deletion, identifiers } = erased.ok_or_else(not_found)?;
        core.delivery_notifier.cancel(&deletion.customer_id);
        core.request_log.erase(caller.project, &PersonalValues::new(identifiers));
        Ok(deletion)
    })
    .await
}

/// Erases the first of the targets that exists; returns `None` where none does.
async fn erase_in(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    deletion_id: &str,
    targets: &[Target<'_>],
) -> Result<Option<Erasure>, Error> {
    let now = core.now(caller);
    for &target in targets {
        let erased = db::permanent_deletions::erase(connection, caller.project, target, deletion_id, now).await?;
        if erased.is_some() {
            return Ok(erased);
        }
    }
    Ok(None)
}
