//! Writing one order, and the metadata of all orders.

use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Inserts an order, and increments the row count.
///
/// # Errors
/// Returns an error when the database query fails; a unique violation when another order has the source
/// id, a foreign key error when a customer no longer exists.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, order: &Order) -> Result<(), sqlx::Error> {
    let _statement = statement("orders.insert");
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'orders', pg_backend_pid() % 64, 1)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1
         )
         INSERT INTO orders (project_id, id, source_id, customer_id, referrer_id, status, amount, items, metadata,
                             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        project.0,
        order.id,
        order.source_id,
        order.customer_id,
        order.referrer_id,
        order.status.as_str(),
        order.amount,
        order.items.as_ref() as Option<&JsonText>,
        order.metadata.as_ref() as Option<&JsonText>,
        order.created_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Updates a locked order.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a customer no longer
/// exists.
pub async fn update(connection: &mut PgConnection, project: ProjectId, order: &Order) -> Result<(), sqlx::Error> {
    let _statement = statement("orders.update");
    sqlx::query!(
        "UPDATE orders
         SET source_id = $3, customer_id = $4, referrer_id = $5, status = $6, amount = $7, items = $8, metadata = $9,
             created_at = $10, updated_at = $11
         WHERE project_id = $1 AND id = $2",
        project.0,
        order.id,
        order.source_id,
        order.customer_id,
        order.referrer_id,
        order.status.as_str(),
        order.amount,
        order.items.as_ref() as Option<&JsonText>,
        order.metadata.as_ref() as Option<&JsonText>,
        order.created_at,
        order.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a key from the metadata of every order, and returns how many orders had it. The other keys stay as they
/// are, and `updated_at` does not change.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn purge_metadata(connection: &mut PgConnection, project: ProjectId, key: &str) -> Result<i64, sqlx::Error> {
    let _statement = statement("orders.purge_metadata");
    sqlx::query_scalar!(
        r#"WITH holders AS (
               SELECT id FROM orders WHERE project_id = $1 AND metadata -> $2::text IS NOT NULL
               ORDER BY id FOR NO KEY UPDATE
           ),
           purged AS (
               UPDATE orders SET metadata = (
                   SELECT '{' || coalesce(string_agg(to_json(member.key)::text || ':' || member.value::text, ','
                                                     ORDER BY member.place), '') || '}'
                   FROM json_each(metadata) WITH ORDINALITY AS member (key, value, place)
                   WHERE member.key <> $2
               )::json
               FROM holders
               WHERE orders.project_id = $1 AND orders.id = holders.id
               RETURNING 1
           )
           SELECT count(*) AS "count!" FROM purged"#,
        project.0,
        key
    )
    .fetch_one(connection)
    .await
}
