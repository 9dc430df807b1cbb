//! What the message of a delivery is made of.

use sqlx::PgConnection;

use crate::domain::activity::StoredEntry;
use crate::domain::credential::Channel;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::webhook::{DeliveryAddress, DueDelivery, Secret, WebhookKind};

/// Finds a delivery with the data of its message, whether or not it is due.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_with_message(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<DueDelivery>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, coalesce(d.due_at, d.created_at) AS "due_at!",
                  d.failures, d.round, d.first_attempt_at, w.kind, w.name, w.target_url, a.type, a.group_id, a.data,
                  a.referrer_id, a.referrer, a.created_at AS entered_at, a.app_id, a.channel, p.public_id, p.webhook_token,
                  p.clock_offset_micros, p.clock_frozen_at
           FROM webhooks w
           JOIN projects p ON p.id = w.project_id
           JOIN webhook_deliveries d ON d.project_id = w.project_id AND d.webhook_id = w.id
           JOIN customer_activity a ON a.project_id = d.project_id AND a.customer_id = d.customer_id AND a.id = d.entry_id
           WHERE w.project_id = $1 AND w.deleted_at IS NULL AND d.id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| DueDelivery {
        address: DeliveryAddress { project, webhook_id: row.webhook_id, id: row.id },
        customer_id: row.customer_id,
        created_at: row.created_at,
        due_at: row.due_at,
        failures: row.failures,
        round: row.round,
        first_attempt_at: row.first_attempt_at,
        kind: WebhookKind::parse(&row.kind).unwrap_or(WebhookKind::Project),
        name: row.name,
        target_url: row.target_url,
        project_public_id: row.public_id,
        webhook_token: Secret(row.webhook_token),
        entry: StoredEntry {
            id: row.entry_id,
            kind: row.r#type,
            group_id: row.group_id,
            data: JsonText::from_trusted(row.data),
            referrer: row.referrer_id.zip(row.referrer.map(JsonText::from_trusted)),
            created_at: row.entered_at,
            app_id: row.app_id,
            channel: Channel::parse(row.channel.as_deref()),
        },
        clock: ProjectClock::from_stored(row.clock_offset_micros, row.clock_frozen_at),
        // The message does not depend on the faults.
        faults_version: None,
    }))
}
