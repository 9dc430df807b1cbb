//! The rows of an export, read piece by piece through a cursor of the database.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Executor, FromRow, PgConnection, Postgres, QueryBuilder};

use super::customers::CustomerRow;
use super::filter::{push_customer_filter, push_order_filter};
use super::orders::OrderRow;
use crate::domain::customer::Customer;
use crate::domain::export::{Column, ExportKey};
use crate::domain::filter::{CustomerField, Filter, OrderField};
use crate::domain::order::Order;
use crate::domain::page::Direction;
use crate::domain::project::ProjectId;

/// Lets the statements of a transaction take as long as an export may, and plans them for all rows rather than the first few.
///
/// # Errors
/// When the database refuses.
pub async fn take_time(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET LOCAL statement_timeout = '15min'; SET LOCAL cursor_tuple_fraction = 1").await.map(drop)
}

/// Begins to read the living customers that pass `filter` at `now`, sorted by `sort`: of each what `columns` show, and its id.
///
/// # Errors
/// When the database refuses.
pub async fn open_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    columns: &[Column<CustomerField>],
    filter: (&Filter<CustomerField>, DateTime<Utc>),
    sort: (ExportKey, Direction),
) -> Result<(), sqlx::Error> {
    let shows = |of: fn(&CustomerField) -> bool| columns.iter().any(|column| of(&column.field));
    let profile = shows(|field| matches!(field, CustomerField::Profile(_) | CustomerField::Address(_)));
    let metadata = shows(|field| matches!(field, CustomerField::Metadata(_)));
    let state = shows(|field| matches!(field, CustomerField::State { .. }));
    // In the order in which a `CustomerRow` is read.
    let mut query = QueryBuilder::new("DECLARE exported_customers NO SCROLL CURSOR FOR SELECT c.id, c.source_id, ");
    query.push(if profile { "c.profile" } else { "'{}'::json" }).push(", ");
    query.push(if metadata { "c.metadata" } else { "NULL::json" });
    query.push(", c.orders_count, c.orders_amount, c.last_order_amount, c.last_order_at, c.created_at, c.updated_at, ");
    query.push(if state { "c.state" } else { "NULL::json" });
    query.push(" FROM customers c WHERE c.project_id = ").push_bind(project.0).push(" AND c.deleted_at IS NULL AND ");
    push_customer_filter(&mut query, filter.0, filter.1);
    // As the indexes are.
    query.push(match sort {
        (ExportKey::Name, Direction::Ascending) => " ORDER BY c.name, c.created_at, c.id",
        (ExportKey::Name, Direction::Descending) => " ORDER BY c.name DESC, c.created_at DESC, c.id DESC",
        (ExportKey::Email, Direction::Ascending) => " ORDER BY c.email, c.created_at, c.id",
        (ExportKey::Email, Direction::Descending) => " ORDER BY c.email DESC, c.created_at DESC, c.id DESC",
        (ExportKey::Id, Direction::Ascending) => " ORDER BY c.id",
        (ExportKey::Id, Direction::Descending) => " ORDER BY c.id DESC",
        (ExportKey::SourceId, Direction::Ascending) => " ORDER BY c.source_id NULLS FIRST, c.id",
        (ExportKey::SourceId, Direction::Descending) => " ORDER BY c.source_id DESC NULLS LAST, c.id DESC",
        (ExportKey::UpdatedAt, Direction::Ascending) => " ORDER BY c.changed_at, c.id",
        (ExportKey::UpdatedAt, Direction::Descending) => " ORDER BY c.changed_at DESC, c.id DESC",
        (ExportKey::CreatedAt | ExportKey::Status, Direction::Ascending) => " ORDER BY c.created_at, c.id",
        (ExportKey::CreatedAt | ExportKey::Status, Direction::Descending) => " ORDER BY c.created_at DESC, c.id DESC",
    });
    open(connection, query).await
}

/// Begins to read the orders that pass `filter` at `now`, sorted by `sort`: of each what `columns` show, and whose it is.
///
/// # Errors
/// When the database refuses.
pub async fn open_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    columns: &[Column<OrderField>],
    filter: (&Filter<OrderField>, DateTime<Utc>),
    sort: (ExportKey, Direction),
) -> Result<(), sqlx::Error> {
    let metadata = columns.iter().any(|column| matches!(column.field, OrderField::Metadata(_)));
    // In the order in which an `OrderRow` is read.
    let mut query = QueryBuilder::new(
        "DECLARE exported_orders NO SCROLL CURSOR FOR
         SELECT id, source_id, customer_id, referrer_id, status, amount, NULL::json, ",
    );
    query.push(if metadata { "metadata" } else { "NULL::json" });
    query.push(", created_at, updated_at FROM orders WHERE project_id = ").push_bind(project.0).push(" AND ");
    push_order_filter(&mut query, filter.0, filter.1);
    query.push(match sort {
        (ExportKey::Status, Direction::Ascending) => " ORDER BY status, created_at, id",
        (ExportKey::Status, Direction::Descending) => " ORDER BY status DESC, created_at DESC, id DESC",
        (ExportKey::UpdatedAt, Direction::Ascending) => " ORDER BY updated_at NULLS FIRST, id",
        (ExportKey::UpdatedAt, Direction::Descending) => " ORDER BY updated_at DESC NULLS LAST, id DESC",
        (_, Direction::Ascending) => " ORDER BY created_at, id",
        (_, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
    });
    open(connection, query).await
}

/// The next customers, at most `rows`; none where all were read.
///
/// # Errors
/// When the database refuses.
pub async fn next_customers(connection: &mut PgConnection, rows: usize) -> Result<Vec<Customer>, sqlx::Error> {
    let rows: Vec<CustomerRow> = fetch(connection, "exported_customers", rows).await?;
    Ok(rows.into_iter().map(Customer::from).collect())
}

/// The next orders, at most `rows`; none where all were read.
///
/// # Errors
/// When the database refuses.
pub async fn next_orders(connection: &mut PgConnection, rows: usize) -> Result<Vec<Order>, sqlx::Error> {
    let rows: Vec<OrderRow> = fetch(connection, "exported_orders", rows).await?;
    Ok(rows.into_iter().map(Order::from).collect())
}

async fn open(connection: &mut PgConnection, mut query: QueryBuilder<Postgres>) -> Result<(), sqlx::Error> {
    // No two exports are alike enough for their statements to be kept.
    query.build().persistent(false).execute(connection).await.map(drop)
}

async fn fetch<T>(connection: &mut PgConnection, cursor: &'static str, rows: usize) -> Result<Vec<T>, sqlx::Error>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut query = QueryBuilder::<Postgres>::new("FETCH FORWARD ");
    query.push(rows).push(" FROM ").push(cursor);
    // A cursor of that name always has the same columns, so the few statements that there are can be kept: kept, a statement is
    // on its way before anything is waited for.
    query.build_query_as().fetch_all(connection).await
}
