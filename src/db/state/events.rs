//! The custom events of a state document.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A custom event to insert, or to put in place of the one of its customer with its id.
#[derive(Clone, Debug)]
pub struct LoadedEvent {
    pub id: String,
    pub customer_id: String,
    pub name: String,
    pub metadata: JsonText,
    pub created_at: DateTime<Utc>,
}

/// Inserts custom events or puts them in place of those with their ids. An event that this transaction has written before
/// is left out. Returns the ids of the events that were written. The numbers of events have to be counted afterwards.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save_events(
    connection: &mut PgConnection,
    project: ProjectId,
    events: &[LoadedEvent],
) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("state.save_events");
    let texts = |value: fn(&LoadedEvent) -> &str| events.iter().map(value).collect::<Vec<_>>();
    let times: Vec<_> = events.iter().map(|event| event.created_at).collect();
    sqlx::query_scalar!(
        "INSERT INTO custom_events (project_id, customer_id, id, type, metadata, created_at)
         SELECT $1, customer_id, id, type, metadata::json, created_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
                  AS given (customer_id, id, type, metadata, created_at)
         WHERE NOT EXISTS (
             SELECT 1 FROM custom_events written
             WHERE written.project_id = $1 AND written.customer_id = given.customer_id AND written.id = given.id
                 AND is_of_this_transaction(written.xmin))
         ON CONFLICT (project_id, customer_id, id) DO UPDATE
             SET type = excluded.type, metadata = excluded.metadata, created_at = excluded.created_at
         RETURNING id",
        project.0,
        &texts(|event| &event.customer_id) as &[&str],
        &texts(|event| &event.id) as &[&str],
        &texts(|event| &event.name) as &[&str],
        &texts(|event| event.metadata.as_str()) as &[&str],
        &times
    )
    .fetch_all(connection)
    .await
}
