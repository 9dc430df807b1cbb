//! The webhooks of projects.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::domain::webhook::{Subscription, Webhook, WebhookKind};
use crate::trace::statement;

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
        // The check constraint of the column allows only the names that can be parsed.
        let kind = WebhookKind::parse(&kind).unwrap_or(WebhookKind::Project);
        Self { id, kind, name, target_url, events, active, created_at, updated_at }
    }
}

/// Selects the columns of [`WebhookRow`] from the webhooks that are not deleted, with the rest of the condition
/// `$tail`.
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

/// Lists the webhooks of a project, of both kinds, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Webhook>, sqlx::Error> {
    let _statement = statement("webhooks.list");
    let rows = select_webhook!("project_id = $1 ORDER BY created_at, id", project.0).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// Lists the subscriptions of the active webhooks of a project, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_subscriptions(
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<Vec<Subscription>, sqlx::Error> {
    let _statement = statement("webhooks.list_subscriptions");
    sqlx::query_as!(
        Subscription,
        "SELECT id AS webhook_id, events FROM webhooks WHERE project_id = $1 AND active ORDER BY created_at, id",
        project.0
    )
    .fetch_all(connection)
    .await
}

/// Finds the webhook with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Webhook>, sqlx::Error> {
    let _statement = statement("webhooks.find");
    let row = select_webhook!("project_id = $1 AND id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.map(Webhook::from))
}

/// Inserts a webhook.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, webhook: &Webhook) -> Result<(), sqlx::Error> {
    let _statement = statement("webhooks.insert");
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

/// Updates the fields of a webhook that requests can change.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(connection: &mut PgConnection, project: ProjectId, webhook: &Webhook) -> Result<(), sqlx::Error> {
    let _statement = statement("webhooks.update");
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

/// Marks a webhook as deleted: no request finds it any more, and its deliveries are no longer sent. [`delete`] deletes
/// the row when no delivery refers to it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("webhooks.mark_deleted");
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

/// Lists the projects and ids of at most 100 webhooks that are marked as deleted and still have a row.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_deleted(connection: &mut PgConnection) -> Result<Vec<(ProjectId, String)>, sqlx::Error> {
    let _statement = statement("webhooks.list_deleted");
    let rows = sqlx::query!("SELECT project_id, id FROM webhooks WHERE deleted_at IS NOT NULL LIMIT 100")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.id)).collect())
}

/// Deletes the row of a webhook that is marked as deleted and has no deliveries left.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<(), sqlx::Error> {
    let _statement = statement("webhooks.delete");
    sqlx::query!("DELETE FROM webhooks WHERE project_id = $1 AND id = $2 AND deleted_at IS NOT NULL", project.0, id)
        .execute(connection)
        .await?;
    Ok(())
}
