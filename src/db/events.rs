//! Custom events.

use sqlx::PgConnection;

use crate::domain::event::CustomEvent;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;

/// Adds a custom event of a customer.
///
/// # Errors
/// When the database refuses; a foreign key error where the customer is gone.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    event: &CustomEvent,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO custom_events (project_id, customer_id, id, type, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        project.0,
        customer_id,
        event.id,
        event.name,
        &event.metadata as &JsonText,
        event.created_at
    )
    .execute(connection)
    .await?;
    Ok(())
}
