//! Custom events.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::event::{CustomEvent, StoredEvent};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

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
    let _statement = statement("events.insert");
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
    let _statement = statement("events.count_by_name");
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

/// Selects the custom events of a list.
#[derive(Clone, Debug)]
pub struct EventFilter {
    pub customer_id: Option<String>,
    /// The name of the events.
    pub name: Option<String>,
    /// Only events before this time, or at this time with an id before this one.
    pub before: (DateTime<Utc>, String),
}

/// Lists at most `limit` custom events of a project, newest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let _statement = statement("events.list");
    let (before, before_id) = (filter.before.0, filter.before.1.as_str());
    if let Some(customer_id) = &filter.customer_id {
        return sqlx::query_as!(
            StoredEvent,
            r#"SELECT id, customer_id, type AS name, metadata AS "metadata: JsonText", created_at FROM custom_events
               WHERE project_id = $1 AND customer_id = $2 AND (created_at, id) < ($3, $4) AND ($5::text IS NULL OR type = $5)
               ORDER BY created_at DESC, id DESC LIMIT $6"#,
            project.0,
            customer_id,
            before,
            before_id,
            filter.name.as_deref(),
            limit
        )
        .fetch_all(connection)
        .await;
    }
    sqlx::query_as!(
        StoredEvent,
        r#"SELECT id, customer_id, type AS name, metadata AS "metadata: JsonText", created_at FROM custom_events
           WHERE project_id = $1 AND (created_at, id) < ($2, $3) AND ($4::text IS NULL OR type = $4)
           ORDER BY created_at DESC, id DESC LIMIT $5"#,
        project.0,
        before,
        before_id,
        filter.name.as_deref(),
        limit
    )
    .fetch_all(connection)
    .await
}

/// Finds the custom event of a customer with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    id: &str,
) -> Result<Option<StoredEvent>, sqlx::Error> {
    let _statement = statement("events.find");
    sqlx::query_as!(
        StoredEvent,
        r#"SELECT id, customer_id, type AS name, metadata AS "metadata: JsonText", created_at FROM custom_events
           WHERE project_id = $1 AND customer_id = $2 AND id = $3"#,
        project.0,
        customer_id,
        id
    )
    .fetch_optional(connection)
    .await
}
