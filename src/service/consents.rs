//! Consents: their definitions, and that a customer gives and revokes them.

use super::rules::Alone;
use super::{Caller, Core, Error, Resource, Work, customers, retry};
use crate::db;
use crate::domain::activity::ActivityType;
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
        let mut work = Work::begin(core, caller).await?;
        let (project, now) = (caller.project, work.now);
        let customer = customers::lock(&mut work, identifier).await?;
        let news = match change {
            ConsentChange::RevokeAll => {
                let revoked = db::consents::revoke_all(work.connection(), project, &customer.id, now).await?;
                revoked.into_iter().map(|consent| (consent, false)).collect()
            }
            ConsentChange::Set(consents) => {
                let ids: Vec<_> = consents.iter().map(|(id, _)| id.clone()).collect();
                db::consents::define(work.connection(), project, &ids, now).await?;
                db::consents::set(work.connection(), project, &customer.id, consents, now).await?
            }
        };
        let (given, revoked): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, given)| *given);
        for (kind, consents) in [(ActivityType::ConsentsGiven, given), (ActivityType::ConsentsRevoked, revoked)] {
            if !consents.is_empty() {
                let consents: Vec<_> = consents.into_iter().map(|(consent, _)| consent).collect();
                work.tell(&customer.id, kind, payload(&consents, &customer));
            }
        }
        work.commit().await?;
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
        let mut alone = Alone::begin(core, caller).await?;
        let saved = db::consents::save(alone.connection(), caller.project, &consent).await?;
        alone.commit().await?;
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
            let mut alone = Alone::begin(core, caller).await?;
            let deleted = db::consents::delete(alone.connection(), caller.project, id.as_str()).await?;
            if deleted {
                alone.commit().await?;
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
        let mut alone = Alone::begin(core, caller).await?;
        let undefined =
            db::consents::position_of_undefined(alone.connection(), caller.project, &group.consents).await?;
        if let Some(position) = undefined {
            let details = format!("Property .consents[{position}] must be the id of a defined consent");
            return Err(Error::Invalid { details });
        }
        let saved = db::consents::save_group(alone.connection(), caller.project, &group).await?;
        alone.commit().await?;
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
            let mut alone = Alone::begin(core, caller).await?;
            let deleted = db::consents::delete_group(alone.connection(), caller.project, id.as_str()).await?;
            if deleted {
                alone.commit().await?;
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::ConsentGroup, id.as_str()))
    })
    .await
}
