//! The orders of a state document.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// What a load needs to know of an existing order.
#[derive(Clone, Debug)]
pub struct KnownOrder {
    pub id: String,
    pub source_id: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Whether this transaction has written it.
    pub is_loaded: bool,
}

/// Finds the orders with those ids or source ids.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_known_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
    scope: Option<ProjectId>,
) -> Result<Vec<KnownOrder>, sqlx::Error> {
    let _statement = statement("state.find_known_orders");
    // `OFFSET 0` makes PostgreSQL search each order by the index, whatever it assumes about a table that
    // has just grown. The project comes from a subquery, so that the statistics of its number, which are not of this
    // moment, do not matter: PostgreSQL would prefer another index for a project that it assumes to be empty. With `scope`, the
    // project itself, a distributed database knows the server that has it.
    sqlx::query_as!(
        KnownOrder,
        r#"SELECT found.id AS "id!", found.source_id, found.created_at AS "created_at!",
                  is_of_this_transaction(found.xmin) AS "is_loaded!"
           FROM unnest($2::text[]) AS given (id) CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
           CROSS JOIN LATERAL (
               SELECT id, source_id, created_at, xmin FROM orders
               WHERE orders.project_id = wanted.project_id AND ($4::bigint IS NULL OR orders.project_id = $4) AND orders.id = given.id OFFSET 0
           ) found
           UNION ALL
           SELECT found.id, found.source_id, found.created_at, is_of_this_transaction(found.xmin)
           FROM unnest($3::text[]) AS given (source_id) CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
           CROSS JOIN LATERAL (
               SELECT id, source_id, created_at, xmin FROM orders
               WHERE orders.project_id = wanted.project_id AND ($4::bigint IS NULL OR orders.project_id = $4) AND orders.source_id = given.source_id OFFSET 0
           ) found"#,
        project.0,
        ids,
        source_ids,
        scope.map(|project| project.0)
    )
    .fetch_all(connection)
    .await
}

/// Inserts orders or puts them in place of those with their ids, and adds `count_change` to the number of orders.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    orders: &[Order],
    count_change: i64,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.save_orders");
    let texts = |value: fn(&Order) -> Option<&str>| orders.iter().map(value).collect::<Vec<_>>();
    let ids: Vec<_> = orders.iter().map(|order| order.id.as_str()).collect();
    let statuses: Vec<_> = orders.iter().map(|order| order.status.as_str()).collect();
    let amounts: Vec<_> = orders.iter().map(|order| order.amount).collect();
    let created: Vec<_> = orders.iter().map(|order| order.created_at).collect();
    let updated: Vec<_> = orders.iter().map(|order| order.updated_at).collect();
    sqlx::query!(
        "WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'orders', pg_backend_pid() % 64, $12)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
         )
         INSERT INTO orders (project_id, id, source_id, customer_id, referrer_id, status, amount, items, metadata,
                             created_at, updated_at)
         SELECT $1, id, source_id, customer_id, referrer_id, status, amount, items::json, metadata::json, created_at,
                updated_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
                     $10::timestamptz[], $11::timestamptz[])
                  AS given (id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at,
                            updated_at)
         ON CONFLICT (project_id, id) DO UPDATE
             SET source_id = excluded.source_id, customer_id = excluded.customer_id, referrer_id = excluded.referrer_id,
                 status = excluded.status, amount = excluded.amount, items = excluded.items,
                 metadata = excluded.metadata, created_at = excluded.created_at, updated_at = excluded.updated_at",
        project.0,
        &ids as &[&str],
        &texts(|order| order.source_id.as_deref()) as &[Option<&str>],
        &texts(|order| order.customer_id.as_deref()) as &[Option<&str>],
        &texts(|order| order.referrer_id.as_deref()) as &[Option<&str>],
        &statuses as &[&str],
        &amounts,
        &texts(|order| order.items.as_ref().map(JsonText::as_str)) as &[Option<&str>],
        &texts(|order| order.metadata.as_ref().map(JsonText::as_str)) as &[Option<&str>],
        &created,
        &updated as &[Option<DateTime<Utc>>],
        count_change
    )
    .execute(connection)
    .await?;
    Ok(())
}
