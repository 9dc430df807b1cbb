//! The rows of an export, which are fetched in batches from a cursor of the database.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Executor, FromRow, PgConnection, Postgres, QueryBuilder, Row};

use super::filter::{push_customer_filter, push_order_filter};
use super::orders::OrderRow;
use crate::domain::customer::{Customer, IndexedFields, OrderSummary};
use crate::domain::export::{Column, ExportKey, ExportedCustomer};
use crate::domain::filter::{CustomerField, Filter, OrderField};
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::page::Direction;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Raises the time limit of the statements of a transaction to that of an export, and makes PostgreSQL plan its cursor
/// for all rows instead of the first ones.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn extend_statement_timeout(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("exports.extend_statement_timeout");
    connection.execute("SET LOCAL statement_timeout = '15min'; SET LOCAL cursor_tuple_fraction = 1").await.map(drop)
}

/// The groups of columns of a customer that a cursor can select after the id, in this order.
const CUSTOMER_COLUMNS: [&str; 10] = [
    "c.source_id",
    "c.name",
    "c.email",
    "c.city",
    "c.created_at",
    "c.updated_at",
    "c.profile",
    "c.metadata",
    "c.orders_count, c.orders_amount, c.last_order_amount, c.last_order_at",
    "c.state",
];
// The indexes in `CUSTOMER_COLUMNS` of the groups that several fields need.
const PROFILE: usize = 6;
const METADATA: usize = 7;
const ORDER_SUMMARY: usize = 8;
const STATE: usize = 9;

/// The groups of columns that a cursor selects, as one bit for each index in `CUSTOMER_COLUMNS`.
#[derive(Clone, Copy, Debug)]
pub struct CustomerColumns(u16);

impl CustomerColumns {
    fn needed_for(columns: &[Column<CustomerField>]) -> Self {
        let group = |column: &Column<CustomerField>| match &column.field {
            CustomerField::SourceId => Some(0),
            CustomerField::Profile("name") => Some(1),
            CustomerField::Profile("email") => Some(2),
            CustomerField::Address("city") => Some(3),
            CustomerField::CreatedAt => Some(4),
            CustomerField::UpdatedAt => Some(5),
            CustomerField::Profile(_) | CustomerField::Address(_) => Some(PROFILE),
            CustomerField::Metadata(_) => Some(METADATA),
            CustomerField::OrdersTotalAmount
            | CustomerField::OrdersTotalCount
            | CustomerField::OrdersAverageAmount
            | CustomerField::OrdersLastAmount
            | CustomerField::OrdersLastDate => Some(ORDER_SUMMARY),
            CustomerField::State { .. } => Some(STATE),
            CustomerField::Id | CustomerField::System(_) | CustomerField::EventCount(_) | CustomerField::Unset => None,
        };
        Self(columns.iter().filter_map(group).fold(0, |bits, group| bits | (1 << group)))
    }

    fn contains(self, group: usize) -> bool {
        self.0 & (1 << group) != 0
    }

    /// Returns whether one of the columns is JSON, which can have any size.
    #[must_use]
    pub fn include_json(self) -> bool {
        self.contains(PROFILE) || self.contains(METADATA) || self.contains(STATE)
    }

    /// Returns the name of the cursor. The statements that fetch from a cursor are cached by their text, so a name
    /// always stands for the same columns.
    fn cursor_name(self) -> String {
        format!("exported_customers_{}", self.0)
    }

    fn read(self, row: &PgRow) -> Result<ExportedCustomer, sqlx::Error> {
        let mut next = 1;
        let mut take = |group: usize, columns: usize| {
            let index = next;
            let is_selected = self.contains(group);
            next += if is_selected { columns } else { 0 };
            is_selected.then_some(index)
        };
        macro_rules! read {
            ($group:expr) => {
                take($group, 1).map(|index| row.try_get(index)).transpose()?
            };
        }
        let source_id = read!(0).flatten();
        let indexed_fields =
            IndexedFields { name: read!(1).flatten(), email: read!(2).flatten(), city: read!(3).flatten() };
        let created_at = read!(4).unwrap_or_default();
        let updated_at = read!(5).flatten();
        let profile = read!(PROFILE).unwrap_or_else(|| JsonText::from_trusted(String::new()));
        let metadata = read!(METADATA).flatten();
        let orders = match take(ORDER_SUMMARY, 4) {
            None => OrderSummary::default(),
            Some(index) => OrderSummary {
                count: row.try_get(index)?,
                amount: row.try_get(index + 1)?,
                last_amount: row.try_get(index + 2)?,
                last_at: row.try_get(index + 3)?,
            },
        };
        let state = read!(STATE).flatten();
        let id = row.try_get(0)?;
        let customer = Customer { id, source_id, profile, metadata, orders, state, created_at, updated_at };
        Ok(ExportedCustomer { customer, indexed_fields })
    }
}

/// Opens a cursor over the customers that are not deleted and match `filter.0` at `filter.1`. It selects the id and
/// what `columns` need.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn open_customer_cursor(
    connection: &mut PgConnection,
    project: ProjectId,
    columns: &[Column<CustomerField>],
    filter: (&Filter<CustomerField>, DateTime<Utc>),
    sort: (ExportKey, Direction),
) -> Result<CustomerColumns, sqlx::Error> {
    let _statement = statement("exports.open_customer_cursor");
    let selected = CustomerColumns::needed_for(columns);
    let mut query = QueryBuilder::new("DECLARE ");
    query.push(selected.cursor_name()).push(" NO SCROLL CURSOR FOR SELECT c.id");
    for (_, columns) in CUSTOMER_COLUMNS.iter().enumerate().filter(|(group, _)| selected.contains(*group)) {
        query.push(", ").push(columns);
    }
    query.push(" FROM customers c WHERE c.project_id = ").push_bind(project.0).push(" AND c.deleted_at IS NULL AND ");
    push_customer_filter(&mut query, project, filter.0, filter.1);
    // Each order is that of an index.
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
    declare_cursor(connection, query).await?;
    Ok(selected)
}

/// Opens a cursor over the orders that match `filter.0` at `filter.1`. It selects every column except the items, and
/// the metadata only when one of `columns` needs it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn open_order_cursor(
    connection: &mut PgConnection,
    project: ProjectId,
    columns: &[Column<OrderField>],
    filter: (&Filter<OrderField>, DateTime<Utc>),
    sort: (ExportKey, Direction),
) -> Result<(), sqlx::Error> {
    let _statement = statement("exports.open_order_cursor");
    let needs_metadata = columns.iter().any(|column| matches!(column.field, OrderField::Metadata(_)));
    // The columns are in the order in which `OrderRow` reads them.
    let mut query = QueryBuilder::new(
        "DECLARE exported_orders NO SCROLL CURSOR FOR
         SELECT id, source_id, customer_id, referrer_id, status, amount, NULL::json, ",
    );
    query.push(if needs_metadata { "metadata" } else { "NULL::json" });
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
    declare_cursor(connection, query).await
}

/// A batch of customers as the database sent it.
#[derive(Debug)]
pub struct CustomerRows(CustomerColumns, Vec<PgRow>);

impl CustomerRows {
    /// Returns the customers. Each is decoded only when the iterator reaches it, so that the database can prepare the
    /// next batch meanwhile.
    pub fn customers(&self) -> impl Iterator<Item = Result<ExportedCustomer, sqlx::Error>> {
        self.1.iter().map(|row| self.0.read(row))
    }

    /// Returns the size of the largest row in bytes; `None` when the batch is empty.
    #[must_use]
    pub fn largest_row_bytes(&self) -> Option<usize> {
        let size = |row: &PgRow| {
            let values = (0..row.len()).filter_map(|index| row.try_get_raw(index).ok());
            values.filter_map(|value| value.as_bytes().ok().map(<[u8]>::len)).sum()
        };
        self.1.iter().map(size).max()
    }
}

/// Fetches the next customers, at most `rows`. The batch is empty when all were fetched.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn fetch_customers(
    connection: &mut PgConnection,
    columns: CustomerColumns,
    rows: usize,
) -> Result<CustomerRows, sqlx::Error> {
    let _statement = statement("exports.fetch_customers");
    Ok(CustomerRows(columns, fetch_statement(columns.cursor_name(), rows).build().fetch_all(connection).await?))
}

/// Fetches the next orders, at most `rows`. The result is empty when all were fetched.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn fetch_orders(connection: &mut PgConnection, rows: usize) -> Result<Vec<Order>, sqlx::Error> {
    let _statement = statement("exports.fetch_orders");
    let rows = fetch_statement("exported_orders".to_owned(), rows).build().fetch_all(connection).await?;
    rows.iter().map(|row| OrderRow::from_row(row).map(Order::from)).collect()
}

async fn declare_cursor(connection: &mut PgConnection, mut query: QueryBuilder<Postgres>) -> Result<(), sqlx::Error> {
    // The statements of two exports are rarely the same, so caching them is useless.
    query.build().persistent(false).execute(connection).await.map(drop)
}

/// Returns the statement that fetches rows. The driver caches it, so a fetch needs no round trip to prepare it.
fn fetch_statement(cursor: String, rows: usize) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("FETCH FORWARD ");
    query.push(rows).push(" FROM ").push(cursor);
    query
}
