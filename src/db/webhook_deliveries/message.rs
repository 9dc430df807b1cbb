//! What the message of a delivery is made of.

use sqlx::PgConnection;

use super::due_row::DueRow;
use crate::domain::project::ProjectId;
use crate::domain::webhook::DueDelivery;
use crate::trace::statement;

/// Finds a delivery with the data of its message, whether or not it is due.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_with_message(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<DueDelivery>, sqlx::Error> {
    let _statement = statement("webhook_deliveries.find_with_message");
    let row = sqlx::query_as!(
        DueRow,
        r#"SELECT d.project_id, d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, coalesce(d.due_at, d.created_at) AS "due_at!",
                  d.failures, d.round, d.first_attempt_at, w.kind, w.name, w.target_url, a.type, a.group_id, a.data,
                  a.referrer_id, a.referrer, a.created_at AS entered_at, a.app_id, a.channel, p.public_id, p.webhook_token,
                  p.clock_offset_micros, p.clock_frozen_at, p.faults_version, d.trace_context
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
    Ok(row.map(DueDelivery::from))
}
