//! Changes of one customer, and of the metadata of all customers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::customer::{Customer, IndexedFields};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Updates the fields of a locked customer that requests can change.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    customer: &Customer,
    indexed_fields: &IndexedFields,
) -> Result<(), sqlx::Error> {
    let _statement = statement("customers.update");
    sqlx::query!(
        "UPDATE customers SET profile = $3, metadata = $4, updated_at = $5, changed_at = $5, name = $6, email = $7, city = $8
         WHERE project_id = $1 AND id = $2",
        project.0,
        customer.id,
        &customer.profile as &JsonText,
        customer.metadata.as_ref() as Option<&JsonText>,
        customer.updated_at,
        indexed_fields.name,
        indexed_fields.email,
        indexed_fields.city
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks a locked customer as deleted, with the source id that `customer` has now, and decrements the row count.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    project: ProjectId,
    customer: &Customer,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("customers.mark_deleted");
    sqlx::query!(
        "WITH customer AS (
             UPDATE customers SET source_id = $3, updated_at = $4, changed_at = $4, deleted_at = $4
             WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL
             RETURNING id
         )
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, 'customers', pg_backend_pid() % 64, -1 FROM customer
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value - 1",
        project.0,
        customer.id,
        customer.source_id,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Updates the state of a locked customer.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update_state(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    state: Option<&JsonText>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("customers.update_state");
    sqlx::query!(
        "UPDATE customers SET state = $3 WHERE project_id = $1 AND id = $2",
        project.0,
        id,
        state as Option<&JsonText>
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a key from the metadata of every customer, also of deleted customers that are not erased. Returns how many
/// customers that are not deleted had the key. The other keys stay as they are, and `updated_at` does not change.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn purge_metadata(connection: &mut PgConnection, project: ProjectId, key: &str) -> Result<i64, sqlx::Error> {
    let _statement = statement("customers.purge_metadata");
    // Lock the customers in the order of their ids, like every other transaction, so that two of them cannot deadlock.
    sqlx::query_scalar!(
        r#"WITH holders AS (
               SELECT id FROM customers WHERE project_id = $1 AND metadata -> $2::text IS NOT NULL
               ORDER BY id FOR NO KEY UPDATE
           ),
           purged AS (
               UPDATE customers SET metadata = (
                   SELECT '{' || coalesce(string_agg(to_json(member.key)::text || ':' || member.value::text, ','
                                                     ORDER BY member.place), '') || '}'
                   FROM json_each(metadata) WITH ORDINALITY AS member (key, value, place)
                   WHERE member.key <> $2
               )::json
               FROM holders
               WHERE customers.project_id = $1 AND customers.id = holders.id
               RETURNING customers.deleted_at
           )
           SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS "count!" FROM purged"#,
        project.0,
        key
    )
    .fetch_one(connection)
    .await
}
