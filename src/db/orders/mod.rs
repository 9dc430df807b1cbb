//! Orders: reading them, and every change. Many at once are in [`insert_all`] and its neighbours.

mod many;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};

use super::filter::push_order_filter;
use crate::domain::filter::{Filter, OrderField};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::page::{Direction, Page, Sort, SortKey};
use crate::domain::project::ProjectId;

pub use many::{find_all, insert_all, lock_all, update_all};

/// The name under which `row_counts` counts the orders.
pub const RESOURCE: &str = "orders";

pub(super) struct OrderRow {
    id: String,
    source_id: Option<String>,
    customer_id: Option<String>,
    referrer_id: Option<String>,
    status: String,
    amount: i64,
    items: Option<JsonText>,
    metadata: Option<JsonText>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Self {
        let OrderRow {
            id,
            source_id,
            customer_id,
            referrer_id,
            status,
            amount,
            items,
            metadata,
            created_at,
            updated_at,
        } = row;
        // The column's check constraint knows the same four names.
        let status = OrderStatus::parse(&status).unwrap_or_default();
        Self { id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at, updated_at }
    }
}

/// What a list selects, in the order that [`OrderRow`] is read from it.
const COLUMNS: &str =
    "id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at, updated_at";

impl FromRow<'_, PgRow> for OrderRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            source_id: row.try_get_unchecked(1)?,
            customer_id: row.try_get_unchecked(2)?,
            referrer_id: row.try_get_unchecked(3)?,
            status: row.try_get_unchecked(4)?,
            amount: row.try_get_unchecked(5)?,
            items: row.try_get_unchecked(6)?,
            metadata: row.try_get_unchecked(7)?,
            created_at: row.try_get_unchecked(8)?,
            updated_at: row.try_get_unchecked(9)?,
        })
    }
}

/// The columns of [`OrderRow`] from the orders that `$tail` chooses.
macro_rules! select_order {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            OrderRow,
            r#"SELECT id, source_id, customer_id, referrer_id, status, amount, items AS "items: JsonText",
                      metadata AS "metadata: JsonText", created_at, updated_at
               FROM orders "# + $tail,
            $($argument),*
        )
    };
}
use select_order;

/// The form of the ids that this program makes.
fn may_be_id(identifier: &Identifier) -> bool {
    identifier.has_form("ord_", 18)
}

/// The order with that id or, where there is none, that source id.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Order>, sqlx::Error> {
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier)
        && let Some(order) = find_by_id(connection, project, identifier.as_str()).await?
    {
        return Ok(Some(order));
    }
    find_by_source_id(connection, project, identifier.as_str()).await
}

/// [`find`] by the id alone.
///
/// # Errors
/// When the database refuses.
pub async fn find_by_id(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<Order>, sqlx::Error> {
    let row = select_order!("WHERE project_id = $1 AND id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.map(Order::from))
}

/// [`find`] by the source id alone.
///
/// # Errors
/// When the database refuses.
pub async fn find_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Order>, sqlx::Error> {
    let row = select_order!("WHERE project_id = $1 AND source_id = $2", project.0, source_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Order::from))
}

/// The order with that id, kept from being changed by others until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Order>, sqlx::Error> {
    let row = select_order!("WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Order::from))
}

/// Adds an order, and one to the count.
///
/// # Errors
/// When the database refuses; a unique violation where the source id is taken, a foreign key error where a customer is
/// gone.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, order: &Order) -> Result<(), sqlx::Error> {
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

/// Writes a locked order.
///
/// # Errors
/// When the database refuses; a foreign key error where a customer is gone.
pub async fn update(connection: &mut PgConnection, project: ProjectId, order: &Order) -> Result<(), sqlx::Error> {
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

/// A page of orders, of those that pass `filter` at its time, and the number of all that do.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: Option<&(Filter<OrderField>, DateTime<Utc>)>,
    sort: Sort,
    page: Page,
) -> Result<(Vec<Order>, i64), sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS);
    push_matching(&mut query, project, filter);
    query.push(match (sort.key, sort.direction) {
        (SortKey::UpdatedAt, Direction::Ascending) => " ORDER BY updated_at ASC NULLS FIRST, id ASC",
        (SortKey::UpdatedAt, Direction::Descending) => " ORDER BY updated_at DESC NULLS LAST, id DESC",
        (SortKey::CreatedAt | SortKey::SourceId, Direction::Ascending) => " ORDER BY created_at ASC, id ASC",
        (SortKey::CreatedAt | SortKey::SourceId, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
    });
    query.push(" LIMIT ").push_bind(page.limit).push(" OFFSET ").push_bind(page.offset());
    let rows: Vec<OrderRow> = query.build_query_as().fetch_all(&mut *connection).await?;
    let total = if filter.is_none() {
        crate::db::row_counts::total(connection, project, RESOURCE).await?
    } else {
        let mut count = QueryBuilder::new("SELECT count(*)");
        push_matching(&mut count, project, filter);
        count.build_query_scalar().fetch_one(connection).await?
    };
    Ok((rows.into_iter().map(Order::from).collect(), total))
}

/// `FROM` and `WHERE` of the orders that pass `filter`.
fn push_matching(
    query: &mut QueryBuilder<Postgres>,
    project: ProjectId,
    filter: Option<&(Filter<OrderField>, DateTime<Utc>)>,
) {
    query.push(" FROM orders WHERE project_id = ").push_bind(project.0);
    if let Some((filter, now)) = filter {
        query.push(" AND ");
        push_order_filter(query, filter, *now);
    }
}

/// Removes a key from the metadata of every order, and tells how many had it. The other keys stay as they are, and no
/// order counts as updated.
///
/// # Errors
/// When the database refuses.
pub async fn purge_metadata(connection: &mut PgConnection, project: ProjectId, key: &str) -> Result<i64, sqlx::Error> {
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
