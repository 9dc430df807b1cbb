//! Custom events.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::domain::event::CustomEvent;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;

/// Inserts a custom event of a locked customer, and increments the number of the customer's events with that name.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when the customer no longer exists.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    event: &CustomEvent,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO customer_event_counts AS counts (project_id, customer_id, type, count) VALUES ($1, $2, $4, 1)
             ON CONFLICT (project_id, customer_id, type) DO UPDATE SET count = counts.count + 1
         )
         INSERT INTO custom_events (project_id, customer_id, id, type, metadata, created_at)
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

/// Returns how many custom events with each of `names` each customer has, by the ids of the customers. A customer
/// without such events is missing.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_by_name(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_ids: &[String],
    names: &[String],
) -> Result<HashMap<String, HashMap<String, i64>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT customer_id, type, count FROM customer_event_counts
         WHERE project_id = $1 AND customer_id = ANY($2) AND type = ANY($3)",
        project.0,
        customer_ids,
        names
    )
    .fetch_all(connection)
    .await?;
    let mut counts: HashMap<String, HashMap<String, i64>> = HashMap::new();
    for row in rows {
        counts.entry(row.customer_id).or_default().insert(row.r#type, row.count);
    }
    Ok(counts)
}
