//! Webhooks: creating, changing and deleting them, and what they are told.

mod attempt;
mod outbox;

use chrono::{DateTime, TimeDelta, Utc};

use super::rules::Revision;
use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::project::ProjectId;
use crate::domain::timed_id;
use crate::domain::webhook::{StoredDelivery, Webhook, WebhookChange, WebhookKind};

pub use attempt::Attempt;
pub use outbox::Outbox;
pub(super) use outbox::deliveries_of;

/// Deliveries that are removed by one statement.
const REMOVED_AT_ONCE: i64 = 10_000;

/// What a new webhook is to be.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    pub kind: WebhookKind,
    pub name: Option<String>,
    pub target_url: String,
    pub events: Vec<String>,
    pub active: bool,
}

/// Creates a webhook, which is told of every change from then on.
///
/// # Errors
/// [`Error::Invalid`] where the project has too many.
pub async fn create(core: &Core, caller: &Caller, new: &NewWebhook) -> Result<Webhook, Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = db::webhooks::all(revision.connection(), caller.project).await?;
        if known.len() >= limits::WEBHOOKS {
            let details = format!("A project must NOT have more than {} webhooks", limits::WEBHOOKS);
            return Err(Error::Invalid { details });
        }
        let NewWebhook { kind, name, target_url, events, active } = new.clone();
        let webhook = Webhook {
            id: core.ids.random(kind.prefix()),
            kind,
            name,
            target_url,
            events,
            active,
            created_at: core.clock.now(),
            updated_at: None,
        };
        db::webhooks::insert(revision.connection(), caller.project, &webhook).await?;
        revision.commit().await?;
        Ok(webhook)
    })
    .await
}

/// The webhook with that id, of that kind or of any.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub async fn get(core: &Core, caller: &Caller, id: &Identifier, kind: Option<WebhookKind>) -> Result<Webhook, Error> {
    let not_found = || Error::not_found(Resource::Webhook, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::webhooks::find(&mut connection, caller.project, id.as_str()).await?;
    connection.release();
    found.filter(|found| kind.is_none_or(|kind| found.kind == kind)).ok_or_else(not_found)
}

/// Changes a webhook. One that becomes active sends what waits for it.
///
/// # Errors
/// [`Error::NotFound`] where there is none of that kind, or of any.
pub async fn update(
    core: &Core,
    caller: &Caller,
    id: &Identifier,
    kind: Option<WebhookKind>,
    change: &WebhookChange,
) -> Result<Webhook, Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = lock(&mut revision, caller.project, id, kind).await?;
        let mut changed = known.clone();
        change.clone().apply(&mut changed);
        if changed != known {
            changed.updated_at = Some(core.clock.now());
            db::webhooks::update(revision.connection(), caller.project, &changed).await?;
            revision.commit().await?;
            core.outbox.withdraw(&changed.id);
            core.outbox.wake();
        }
        Ok(changed)
    })
    .await
}

/// Deletes a webhook, with everything that it was to send.
///
/// # Errors
/// [`Error::NotFound`] where there is none of that kind, or of any.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier, kind: Option<WebhookKind>) -> Result<(), Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = lock(&mut revision, caller.project, id, kind).await?;
        db::webhooks::delete(revision.connection(), caller.project, &known.id, core.clock.now()).await?;
        revision.commit().await?;
        core.outbox.withdraw(&known.id);
        Ok(())
    })
    .await?;
    // Nothing of it is sent any more. There may be any number, and nobody has to wait while they go.
    remove(core, caller.project, id.as_str()).await
}

/// Removes a deleted webhook with everything that it has sent or was to send.
async fn remove(core: &Core, project: ProjectId, id: &str) -> Result<(), Error> {
    loop {
        let mut connection = core.pool.acquire().await?;
        let removed = db::webhook_deliveries::remove_of(&mut connection, project, id, REMOVED_AT_ONCE).await?;
        if removed < REMOVED_AT_ONCE {
            db::webhooks::remove(&mut connection, project, id).await?;
            connection.release();
            return Ok(());
        }
        connection.release();
    }
}

/// Switches off a webhook after the last attempt of one of its deliveries has failed, at `failed_at`; what waits for it waits on. One
/// that was changed since is let be.
///
/// # Errors
/// When the database fails.
pub async fn switch_off(core: &Core, project: ProjectId, id: &str, failed_at: DateTime<Utc>) -> Result<(), Error> {
    retry(async || {
        let caller = Caller::of_nobody(project);
        let mut revision = Revision::begin(core, &caller).await?;
        let found = db::webhooks::find(revision.connection(), project, id).await?;
        let is_concerned = |webhook: &Webhook| webhook.active && webhook.updated_at.is_none_or(|at| at <= failed_at);
        let Some(mut webhook) = found.filter(is_concerned) else { return Ok(()) };
        webhook.active = false;
        webhook.updated_at = Some(core.clock.now());
        db::webhooks::update(revision.connection(), project, &webhook).await?;
        revision.commit().await?;
        core.outbox.withdraw(id);
        Ok(())
    })
    .await
}

/// Puts a delivery in line again, with all its attempts before it.
///
/// # Errors
/// [`Error::NotFound`] where there is none with that id.
pub async fn replay(core: &Core, caller: &Caller, id: &Identifier) -> Result<StoredDelivery, Error> {
    let not_found = || Error::not_found(Resource::WebhookDelivery, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let replayed =
        db::webhook_deliveries::replay(&mut connection, caller.project, id.as_str(), core.clock.now()).await?;
    let found =
        if replayed { db::webhook_deliveries::find(&mut connection, caller.project, id.as_str()).await? } else { None };
    connection.release();
    core.outbox.wake();
    found.ok_or_else(not_found)
}

/// Removes what became of deliveries that were put in line long ago, and webhooks that were deleted by whoever could not finish it.
///
/// # Errors
/// When the database fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let before = timed_id::first("whs_", core.clock.now() - TimeDelta::days(limits::DELIVERY_DAYS));
    loop {
        let mut connection = core.pool.acquire().await?;
        let removed = db::webhook_deliveries::expire(&mut connection, &before, REMOVED_AT_ONCE).await?;
        connection.release();
        if removed < REMOVED_AT_ONCE {
            break;
        }
    }
    let mut connection = core.pool.acquire().await?;
    let deleted = db::webhooks::deleted(&mut connection).await?;
    connection.release();
    for (project, id) in deleted {
        remove(core, project, &id).await?;
    }
    Ok(())
}

async fn lock(
    revision: &mut Revision<'_>,
    project: ProjectId,
    id: &Identifier,
    kind: Option<WebhookKind>,
) -> Result<Webhook, Error> {
    let found =
        if id.can_exist() { db::webhooks::find(revision.connection(), project, id.as_str()).await? } else { None };
    found
        .filter(|found| kind.is_none_or(|kind| found.kind == kind))
        .ok_or_else(|| Error::not_found(Resource::Webhook, id.as_str()))
}
