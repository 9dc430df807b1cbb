//! Consents: their definitions, and the consents that customers give and revoke.

use super::retry::retry;
use super::rules::ExclusiveTransaction;
use super::write::{Recording, UnitOfWork, lock_customer};
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::consent::{Consent, ConsentChange, ConsentDefinition, ConsentGroup};
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::objects::{consent, rendered};

/// Stores which consents a customer gives and revokes. The first use of a consent defines it, but not in a strict project. Only consents whose state
/// changes are recorded in the activity.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown customer, and [`Error::Invalid`] for an unknown consent in a strict project.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &ConsentChange,
) -> Result<(), Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let (project, now) = (caller.project, work.now);
        let customer = lock_customer(&mut work, identifier).await?;
        let changes = match change {
            ConsentChange::RevokeAll => {
                let revoked =
                    db::consents::revoke_customer_consents(work.connection(), project, &customer.id, now).await?;
                revoked.into_iter().map(|consent| (consent, false)).collect()
            }
            ConsentChange::Set(consents) => {
                let ids: Vec<_> = consents.iter().map(|(id, _)| id.clone()).collect();
                if caller.control.is_strict {
                    refuse_undefined(&mut work, project, &ids).await?;
                }
                db::consents::insert_missing(work.connection(), project, &ids, now).await?;
                db::consents::upsert_customer_consents(work.connection(), project, &customer.id, consents, now).await?
            }
        };
        let (given, revoked): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, given)| *given);
        for (kind, consents) in [(ActivityType::ConsentsGiven, given), (ActivityType::ConsentsRevoked, revoked)] {
            if !consents.is_empty() {
                let consents: Vec<_> = consents.into_iter().map(|(consent, _)| consent).collect();
                work.record_activity(&customer.id, kind, payload(&consents, &customer));
            }
        }
        work.commit().await?;
        Ok(())
    })
    .await
}

/// Refuses an id that no consent has, because the vendor defines consents only in its dashboard.
async fn refuse_undefined(work: &mut UnitOfWork<'_>, project: ProjectId, ids: &[String]) -> Result<(), Error> {
    let position = db::consents::find_undefined_position(work.connection(), project, ids).await?;
    let undefined = position.and_then(|position| ids.get(usize::try_from(position).ok()?));
    undefined.map_or(Ok(()), |id| Err(Error::Invalid { details: format!("Property .{id} is unknown") }))
}

fn payload(consents: &[Consent], customer: &Customer) -> JsonText {
    rendered(|out| consent::write_payload(out, consents, customer))
}

/// A consent to define.
#[derive(Clone, Debug)]
pub struct NewConsent {
    pub id: String,
    pub name: String,
    pub description: String,
    pub category: String,
}

/// Creates or replaces the definition of a consent.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn define(core: &Core, caller: &Caller, new: NewConsent) -> Result<ConsentDefinition, Error> {
    let NewConsent { id, name, description, category } = new;
    let consent = ConsentDefinition { id, name, description, category, created_at: core.now(caller), updated_at: None };
    retry(async || {
        let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
        let saved = db::consents::upsert(exclusive.connection(), caller.project, &consent).await?;
        exclusive.commit().await?;
        Ok(saved)
    })
    .await
}

/// Deletes the definition of a consent and its state for all customers. The entries in their activity stay.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
            let deleted = db::consents::delete(exclusive.connection(), caller.project, id.as_str()).await?;
            if deleted {
                exclusive.commit().await?;
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::Consent, id.as_str()))
    })
    .await
}

/// A group of consents to define.
#[derive(Clone, Debug)]
pub struct NewConsentGroup {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Ids of defined consents. Duplicates count once.
    pub consents: Vec<String>,
}

/// Creates or replaces a group of consents.
///
/// # Errors
/// Returns [`Error::Invalid`] when a consent is not defined.
pub async fn define_group(core: &Core, caller: &Caller, new: NewConsentGroup) -> Result<ConsentGroup, Error> {
    let NewConsentGroup { id, name, description, consents } = new;
    let group = ConsentGroup { id, name, description, consents, created_at: core.now(caller), updated_at: None };
    retry(async || {
        let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
        let undefined =
            db::consents::find_undefined_position(exclusive.connection(), caller.project, &group.consents).await?;
        if let Some(position) = undefined {
            let details = format!("Property .consents[{position}] must be the id of a defined consent");
            return Err(Error::Invalid { details });
        }
        let saved = db::consents::upsert_group(exclusive.connection(), caller.project, &group).await?;
        exclusive.commit().await?;
        Ok(saved)
    })
    .await
}

/// Deletes a group of consents. The consents stay.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn delete_group(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
            let deleted = db::consents::delete_group(exclusive.connection(), caller.project, id.as_str()).await?;
            if deleted {
                exclusive.commit().await?;
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::ConsentGroup, id.as_str()))
    })
    .await
}
