//! The webhooks of projects.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::domain::webhook::{Subscription, Webhook, WebhookKind};

struct WebhookRow {
    id: String,
    kind: String,
    name: Option<String>,
    target_url: String,
    events: Vec<String>,
    active: bool,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        let WebhookRow { id, kind, name, target_url, events, active, created_at, updated_at } = row;
        // The table has no other kinds.
        let kind = WebhookKind::parse(&kind).unwrap_or(WebhookKind::Project);
        Self { id, kind, name, target_url, events, active, created_at, updated_at }
    }
}

/// The columns of [`WebhookRow`] from the webhooks that `$tail` chooses.
macro_rules! select_webhook {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            WebhookRow,
            "SELECT id, kind, name, target_url, events, active, created_at, updated_at FROM webhooks
             WHERE deleted_at IS NULL AND " + $tail,
            $($argument),*
        )
    };
}

/// All of a project, of both kinds, oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Webhook>, sqlx::Error> {
    let rows = select_webhook!("project_id = $1 ORDER BY created_at, id", project.0).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// The active ones, oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn subscriptions(
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<Vec<Subscription>, sqlx::Error> {
    sqlx::query_as!(
        Subscription,
        "SELECT id AS webhook_id, events FROM webhooks WHERE project_id = $1 AND active ORDER BY created_at, id",
        project.0
    )
    .fetch_all(connection)
    .await
}

/// The one with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Webhook>, sqlx::Error> {
    let row = select_webhook!("project_id = $1 AND id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.map(Webhook::from))
}

/// Adds one.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, webhook: &Webhook) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO webhooks (project_id, id, kind, name, target_url, events, active, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        project.0,
        webhook.id,
        webhook.kind.as_str(),
        webhook.name,
        webhook.target_url,
        &webhook.events,
        webhook.active,
        webhook.created_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what a request may change.
///
/// # Errors
/// When the database refuses.
pub async fn update(connection: &mut PgConnection, project: ProjectId, webhook: &Webhook) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET name = $3, target_url = $4, events = $5, active = $6, updated_at = $7
         WHERE project_id = $1 AND id = $2",
        project.0,
        webhook.id,
        webhook.name,
        webhook.target_url,
        &webhook.events,
        webhook.active,
        webhook.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes one from everyone's sight, and what it was to send from the courier's. Its row goes with [`remove`], when nothing refers to it any
/// more.
///
/// # Errors
/// When the database refuses.
pub async fn delete(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET active = false, deleted_at = $3 WHERE project_id = $1 AND id = $2",
        project.0,
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those that are deleted and not yet removed, by their projects and ids; not too many at once.
///
/// # Errors
/// When the database refuses.
pub async fn deleted(connection: &mut PgConnection) -> Result<Vec<(ProjectId, String)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT project_id, id FROM webhooks WHERE deleted_at IS NOT NULL LIMIT 100")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.id)).collect())
}

/// Removes the row of a deleted one, whose deliveries are gone.
///
/// # Errors
/// When the database refuses.
pub async fn remove(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM webhooks WHERE project_id = $1 AND id = $2 AND deleted_at IS NOT NULL", project.0, id)
        .execute(connection)
        .await?;
    Ok(())
}
