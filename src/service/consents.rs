//! Consents: their definitions, and that a customer gives and revokes them.

use super::{Caller, Core, Error, Resource, customers, retry};
use crate::db;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::consent::{Consent, ConsentChange, ConsentDefinition, ConsentGroup};
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::objects::{consent, rendered};

/// Records what a customer says to consents. A consent is defined by its first use; what is given or revoked for the first
/// time since is entered in the activity.
///
/// # Errors
/// [`Error::NotFound`] for an unknown customer.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &ConsentChange,
) -> Result<(), Error> {
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let now = core.clock.now();
        let customer = customers::lock(&mut transaction, caller, identifier).await?;
        let news = match change {
            ConsentChange::RevokeAll => {
                let revoked = db::consents::revoke_all(&mut transaction, caller.project, &customer.id, now).await?;
                revoked.into_iter().map(|consent| (consent, false)).collect()
            }
            ConsentChange::Set(consents) => {
                let ids: Vec<_> = consents.iter().map(|(id, _)| id.clone()).collect();
                db::consents::define(&mut transaction, caller.project, &ids, now).await?;
                db::consents::set(&mut transaction, caller.project, &customer.id, consents, now).await?
            }
        };
        let (given, revoked): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, given)| *given);
        let entries: Vec<ActivityEntry> =
            [(ActivityType::ConsentsGiven, given), (ActivityType::ConsentsRevoked, revoked)]
                .into_iter()
                .filter(|(_, consents)| !consents.is_empty())
                .map(|(kind, consents)| {
                    let consents: Vec<_> = consents.into_iter().map(|(consent, _)| consent).collect();
                    core.entry(caller, kind, payload(&consents, &customer), now)
                })
                .collect();
        if !entries.is_empty() {
            db::activity::insert(&mut transaction, caller.project, &customer.id, &entries).await?;
        }
        transaction.commit().await?;
        Ok(())
    })
    .await
}

fn payload(consents: &[Consent], customer: &Customer) -> crate::domain::json::JsonText {
    rendered(|out| consent::write_payload(out, consents, customer))
}

/// What a consent is to be.
#[derive(Clone, Debug)]
pub struct NewConsent {
    pub id: String,
    pub name: String,
    pub description: String,
    pub category: String,
}

/// Defines a consent as a whole, for the first time or anew.
///
/// # Errors
/// When the database fails.
pub async fn define(core: &Core, caller: &Caller, new: NewConsent) -> Result<ConsentDefinition, Error> {
    let NewConsent { id, name, description, category } = new;
    let consent = ConsentDefinition { id, name, description, category, created_at: core.clock.now(), updated_at: None };
    retry(async || {
        let mut connection = core.pool.acquire().await?;
        let saved = db::consents::save(&mut connection, caller.project, &consent).await?;
        connection.release();
        Ok(saved)
    })
    .await
}

/// Removes the definition of a consent, with what customers said to it. What their activity tells of it stays.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut connection = core.pool.acquire().await?;
            let deleted = db::consents::delete(&mut connection, caller.project, id.as_str()).await?;
            connection.release();
            if deleted {
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::Consent, id.as_str()))
    })
    .await
}

/// What a group of consents is to be.
#[derive(Clone, Debug)]
pub struct NewConsentGroup {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Ids of defined consents. One that is named twice counts once.
    pub consents: Vec<String>,
}

/// Defines a group of consents as a whole, for the first time or anew.
///
/// # Errors
/// [`Error::Invalid`] where a consent is not defined.
pub async fn define_group(core: &Core, caller: &Caller, new: NewConsentGroup) -> Result<ConsentGroup, Error> {
    let NewConsentGroup { id, name, description, consents } = new;
    let group = ConsentGroup { id, name, description, consents, created_at: core.clock.now(), updated_at: None };
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let undefined = db::consents::position_of_undefined(&mut transaction, caller.project, &group.consents).await?;
        if let Some(position) = undefined {
            let details = format!("Property .consents[{position}] must be the id of a defined consent");
            return Err(Error::Invalid { details });
        }
        let saved = db::consents::save_group(&mut transaction, caller.project, &group).await?;
        transaction.commit().await?;
        Ok(saved)
    })
    .await
}

/// Removes a group of consents; the consents stay.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn delete_group(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut connection = core.pool.acquire().await?;
            let deleted = db::consents::delete_group(&mut connection, caller.project, id.as_str()).await?;
            connection.release();
            if deleted {
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::ConsentGroup, id.as_str()))
    })
    .await
}
