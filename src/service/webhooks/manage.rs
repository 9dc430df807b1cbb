//! Creating, reading, changing and deleting webhooks.

use chrono::{DateTime, Utc};

use super::cleanup::remove_webhook;
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::project::ProjectId;
use crate::domain::webhook::{Webhook, WebhookChange, WebhookKind};
use crate::service::retry::retry;
use crate::service::rules::RulesChange;
use crate::service::{Caller, Core, Error, Resource};

/// A webhook to create.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    pub kind: WebhookKind,
    pub name: Option<String>,
    pub target_url: String,
    pub events: Vec<String>,
    pub active: bool,
}

/// Creates a webhook. It receives the changes that are made after its creation.
///
/// # Errors
/// Returns [`Error::Invalid`] when the project has too many webhooks.
pub async fn create(core: &Core, caller: &Caller, new: &NewWebhook) -> Result<Webhook, Error> {
    retry(async || {
        let mut change = RulesChange::begin(core, caller).await?;
        let known = db::webhooks::list(change.connection(), caller.project).await?;
        if known.len() >= limits::WEBHOOKS_PER_PROJECT {
            let details = format!("A project must NOT have more than {} webhooks", limits::WEBHOOKS_PER_PROJECT);
            return Err(Error::Invalid { details });
        }
        let NewWebhook { kind, name, target_url, events, active } = new.clone();
        let webhook = Webhook {
            id: change.ids().random(kind.prefix()),
            kind,
            name,
            target_url,
            events,
            active,
            created_at: change.now(),
            updated_at: None,
        };
        db::webhooks::insert(change.connection(), caller.project, &webhook).await?;
        change.commit().await?;
        Ok(webhook)
    })
    .await
}

/// Returns the webhook with that id, if it is of `kind` or `kind` is `None`.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id or another kind.
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

/// Changes a webhook. When it becomes active, its waiting deliveries are sent.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id or another kind.
pub async fn update(
    core: &Core,
    caller: &Caller,
    id: &Identifier,
    kind: Option<WebhookKind>,
    webhook_change: &WebhookChange,
) -> Result<Webhook, Error> {
    retry(async || {
        let mut change = RulesChange::begin(core, caller).await?;
        let known = find(&mut change, caller.project, id, kind).await?;
        let mut changed = known.clone();
        webhook_change.clone().apply(&mut changed);
        if changed != known {
            changed.updated_at = Some(change.now());
            db::webhooks::update(change.connection(), caller.project, &changed).await?;
            change.commit().await?;
            core.delivery_notifier.cancel(&changed.id);
            core.delivery_notifier.notify();
        }
        Ok(changed)
    })
    .await
}

/// Deletes a webhook with its deliveries.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id or another kind.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier, kind: Option<WebhookKind>) -> Result<(), Error> {
    retry(async || {
        let mut change = RulesChange::begin(core, caller).await?;
        let known = find(&mut change, caller.project, id, kind).await?;
        let now = change.now();
        db::webhooks::mark_deleted(change.connection(), caller.project, &known.id, now).await?;
        change.commit().await?;
        core.delivery_notifier.cancel(&known.id);
        Ok(())
    })
    .await?;
    // From here on nothing is sent. The rows are removed without the exclusive lock, because there may be very many and
    // no writer should wait for their removal.
    remove_webhook(core, caller.project, id.as_str()).await
}

/// Deactivates a webhook after the last attempt of one of its deliveries failed at `failed_at`. Its waiting deliveries
/// stay. A webhook that was changed after `failed_at` is left active.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn disable(core: &Core, project: ProjectId, id: &str, failed_at: DateTime<Utc>) -> Result<(), Error> {
    retry(async || {
        let caller = Caller::system(project);
        let mut change = RulesChange::begin(core, &caller).await?;
        let found = db::webhooks::find(change.connection(), project, id).await?;
        let is_unchanged = |webhook: &Webhook| webhook.active && webhook.updated_at.is_none_or(|at| at <= failed_at);
        let Some(mut webhook) = found.filter(is_unchanged) else { return Ok(()) };
        // A reset that keeps the webhook removes its deliveries, also those that were being sent.
        if !db::webhook_deliveries::has_failed(change.connection(), project, id).await? {
            return Ok(());
        }
        webhook.active = false;
        webhook.updated_at = Some(change.now());
        db::webhooks::update(change.connection(), project, &webhook).await?;
        change.commit().await?;
        core.delivery_notifier.cancel(id);
        Ok(())
    })
    .await
}

async fn find(
    change: &mut RulesChange<'_>,
    project: ProjectId,
    id: &Identifier,
    kind: Option<WebhookKind>,
) -> Result<Webhook, Error> {
    let found =
        if id.can_exist() { db::webhooks::find(change.connection(), project, id.as_str()).await? } else { None };
    found
        .filter(|found| kind.is_none_or(|kind| found.kind == kind))
        .ok_or_else(|| Error::not_found(Resource::Webhook, id.as_str()))
}
