//! Forgetting a person.

use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::db::permanent_deletions::Target;
use crate::domain::deletion::PermanentDeletion;
use crate::domain::identifier::Identifier;

/// Removes a customer with everything that hangs on it, and tells what that was. The identifier is an id, also of a softly
/// deleted customer, or the source id of a living one.
///
/// The function of the database that does it is a transaction of its own, which locks the customer first. An order that
/// another request connects with the customer at the same time is either there by then and removed here, or finds its
/// customer gone and makes a new one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn forget(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<PermanentDeletion, Error> {
    let by_source_id = Target::SourceId(identifier.as_str());
    if db::customers::may_be_id(identifier) {
        return forget_first(core, caller, identifier, &[Target::Id(identifier.as_str()), by_source_id]).await;
    }
    forget_first(core, caller, identifier, &[by_source_id]).await
}

/// [`forget`], of a living customer by the source id alone.
///
/// # Errors
/// [`Error::NotFound`] where nobody has it.
pub async fn forget_by_source_id(
    core: &Core,
    caller: &Caller,
    source_id: &Identifier,
) -> Result<PermanentDeletion, Error> {
    forget_first(core, caller, source_id, &[Target::SourceId(source_id.as_str())]).await
}

/// Forgets the first of the targets that there is.
async fn forget_first(
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
        let _gate = core.rules.of(caller.project).await.enter().await;
        let mut connection = core.pool.acquire().await?;
        let (deletion_id, now) = (core.ids.random("del_"), core.clock.now());
        for &target in targets {
            let forgotten =
                db::permanent_deletions::forget(&mut connection, caller.project, target, &deletion_id, now).await?;
            if let Some(deletion) = forgotten {
                core.outbox.withdraw(&deletion.customer_id);
                connection.release();
                return Ok(deletion);
            }
        }
        connection.release();
        Err(not_found())
    })
    .await
}
