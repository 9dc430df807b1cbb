//! Reading and writing one or many orders in one statement. The statements for one order have a simpler plan.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::find::{find_by_id, find_by_source_id, lock};
use super::row::{OrderRow, select_order};
use super::write::{insert, update};
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Finds the orders with those ids or source ids.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
) -> Result<Vec<Order>, sqlx::Error> {
    let _statement = statement("orders.find_all");
    match (ids, source_ids) {
        ([], []) => return Ok(Vec::new()),
        ([id], []) => return Ok(Vec::from_iter(find_by_id(connection, project, id).await?)),
        ([], [source_id]) => return Ok(Vec::from_iter(find_by_source_id(connection, project, source_id).await?)),
        _ => {}
    }
    let rows =
        select_order!("WHERE project_id = $1 AND (id = ANY($2) OR source_id = ANY($3))", project.0, ids, source_ids)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// Locks the orders with those ids until the transaction ends, in the order of their ids, and returns them.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Vec<Order>, sqlx::Error> {
    let _statement = statement("orders.lock_all");
    match ids {
        [] => return Ok(Vec::new()),
        [id] => return Ok(Vec::from_iter(lock(connection, project, id).await?)),
        _ => {}
    }
    let rows = select_order!("WHERE project_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE", project.0, ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// Orders as the arrays that `unnest` takes, one for each column that an update can change.
struct Columns {
    ids: Vec<String>,
    customer_ids: Vec<Option<String>>,
    referrer_ids: Vec<Option<String>>,
    statuses: Vec<&'static str>,
    amounts: Vec<i64>,
    items: Vec<Option<String>>,
    metadata: Vec<Option<String>>,
    updated: Vec<Option<DateTime<Utc>>>,
}

impl Columns {
    fn of(orders: &[&Order]) -> Self {
        let json = |value: fn(&Order) -> Option<&JsonText>| {
            orders.iter().map(|order| value(order).map(|json| json.as_str().to_owned())).collect::<Vec<_>>()
        };
        Self {
            ids: orders.iter().map(|order| order.id.clone()).collect(),
            customer_ids: orders.iter().map(|order| order.customer_id.clone()).collect(),
            referrer_ids: orders.iter().map(|order| order.referrer_id.clone()).collect(),
            statuses: orders.iter().map(|order| order.status.as_str()).collect(),
            amounts: orders.iter().map(|order| order.amount).collect(),
            items: json(|order| order.items.as_ref()),
            metadata: json(|order| order.metadata.as_ref()),
            updated: orders.iter().map(|order| order.updated_at).collect(),
        }
    }
}

/// Inserts orders in one statement, increments the row count by their number, and returns how many were inserted. Of several orders,
/// one is skipped when another one has its source id: the caller must then roll back.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a customer no longer exists; a unique
/// violation when a single order is given and another one has its source id.
pub async fn insert_all(
    connection: &mut PgConnection,
    project: ProjectId,
    orders: &[&Order],
) -> Result<usize, sqlx::Error> {
    let _statement = statement("orders.insert_all");
    match orders {
        [] => return Ok(0),
        [order] => return insert(connection, project, order).await.map(|()| 1),
        _ => {}
    }
    let columns = Columns::of(orders);
    let source_ids: Vec<_> = orders.iter().map(|order| order.source_id.clone()).collect();
    let created: Vec<_> = orders.iter().map(|order| order.created_at).collect();
    // Count the returned rows: without them, Citus counts those that are skipped, too.
    let inserted = sqlx::query_scalar!(
        r#"WITH counted AS (
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
             VALUES ($1, 'orders', pg_backend_pid() % 64, $12)
             ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
         )
         INSERT INTO orders (project_id, id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at,
                             updated_at)
         SELECT $1, id, source_id, customer_id, referrer_id, status, amount, items::json, metadata::json, created_at,
                updated_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
                     $10::timestamptz[], $11::timestamptz[])
                  AS given (id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at, updated_at)
         ON CONFLICT (project_id, source_id) WHERE source_id IS NOT NULL DO NOTHING
         RETURNING 1 AS "one!""#,
        project.0,
        &columns.ids,
        &source_ids as &[Option<String>],
        &columns.customer_ids as &[Option<String>],
        &columns.referrer_ids as &[Option<String>],
        &columns.statuses as &[&str],
        &columns.amounts,
        &columns.items as &[Option<String>],
        &columns.metadata as &[Option<String>],
        &created,
        &columns.updated as &[Option<DateTime<Utc>>],
        i64::try_from(orders.len()).unwrap_or(i64::MAX)
    )
    .fetch_all(connection)
    .await?;
    Ok(inserted.len())
}

/// Updates locked orders in one statement. The time of creation of several orders stays: only a request can change it.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a customer no longer exists.
pub async fn update_all(
    connection: &mut PgConnection,
    project: ProjectId,
    orders: &[&Order],
) -> Result<(), sqlx::Error> {
    let _statement = statement("orders.update_all");
    match orders {
        [] => return Ok(()),
        [order] => return update(connection, project, order).await,
        _ => {}
    }
    let columns = Columns::of(orders);
    sqlx::query!(
        "UPDATE orders
         SET customer_id = given.customer_id, referrer_id = given.referrer_id, status = given.status, amount = given.amount,
             items = given.items::json, metadata = given.metadata::json, updated_at = given.updated_at
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                     $9::timestamptz[])
                  AS given (id, customer_id, referrer_id, status, amount, items, metadata, updated_at)
         WHERE orders.project_id = $1 AND orders.id = given.id",
        project.0,
        &columns.ids,
        &columns.customer_ids as &[Option<String>],
        &columns.referrer_ids as &[Option<String>],
        &columns.statuses as &[&str],
        &columns.amounts,
        &columns.items as &[Option<String>],
        &columns.metadata as &[Option<String>],
        &columns.updated as &[Option<DateTime<Utc>>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
