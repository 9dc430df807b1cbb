//! The rows of an export, read piece by piece through a cursor of the database.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Executor, FromRow, PgConnection, Postgres, QueryBuilder, Row};

use super::filter::{push_customer_filter, push_order_filter};
use super::orders::OrderRow;
use crate::domain::customer::{Customer, OrderSummary, Searched};
use crate::domain::export::{Column, ExportKey, ExportedCustomer};
use crate::domain::filter::{CustomerField, Filter, OrderField};
use crate::domain::json::JsonText;
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

/// What is read of a customer beside the id, in this order.
const CUSTOMER_PARTS: [&str; 10] = [
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
const PROFILE: usize = 6;
const METADATA: usize = 7;
const STATE: usize = 9;

/// Which of the parts of customers are read, a bit for each.
#[derive(Clone, Copy, Debug)]
pub struct CustomerParts(u16);

impl CustomerParts {
    fn shown_by(columns: &[Column<CustomerField>]) -> Self {
        let part = |column: &Column<CustomerField>| match &column.field {
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
            | CustomerField::OrdersLastDate => Some(8),
            CustomerField::State { .. } => Some(STATE),
            CustomerField::Id | CustomerField::EventCount(_) | CustomerField::Unset => None,
        };
        Self(columns.iter().filter_map(part).fold(0, |parts, part| parts | (1 << part)))
    }

    fn has(self, part: usize) -> bool {
        self.0 & (1 << part) != 0
    }

    /// Whether one of them is JSON, which can be of any size.
    #[must_use]
    pub fn have_json(self) -> bool {
        self.has(PROFILE) || self.has(METADATA) || self.has(STATE)
    }

    /// The name of their cursor: the statements that read a cursor are kept, so what it reads must always be the same.
    fn cursor(self) -> String {
        format!("exported_customers_{}", self.0)
    }

    fn of(self, row: &PgRow) -> Result<ExportedCustomer, sqlx::Error> {
        let mut next = 1;
        let mut take = |part: usize, columns: usize| {
            let place = next;
            let is_read = self.has(part);
            next += if is_read { columns } else { 0 };
            is_read.then_some(place)
        };
        macro_rules! read {
            ($part:expr) => {
                take($part, 1).map(|place| row.try_get(place)).transpose()?
            };
        }
        let source_id = read!(0).flatten();
        let searched = Searched { name: read!(1).flatten(), email: read!(2).flatten(), city: read!(3).flatten() };
        let created_at = read!(4).unwrap_or_default();
        let updated_at = read!(5).flatten();
        let profile = read!(PROFILE).unwrap_or_else(|| JsonText::from_trusted(String::new()));
        let metadata = read!(METADATA).flatten();
        let orders = match take(8, 4) {
            None => OrderSummary::default(),
            Some(place) => OrderSummary {
                count: row.try_get(place)?,
                amount: row.try_get(place + 1)?,
                last_amount: row.try_get(place + 2)?,
                last_at: row.try_get(place + 3)?,
            },
        };
        let state = read!(STATE).flatten();
        let id = row.try_get(0)?;
        let customer = Customer { id, source_id, profile, metadata, orders, state, created_at, updated_at };
        Ok(ExportedCustomer { customer, searched })
    }
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
) -> Result<CustomerParts, sqlx::Error> {
    let read = CustomerParts::shown_by(columns);
    let mut query = QueryBuilder::new("DECLARE ");
    query.push(read.cursor()).push(" NO SCROLL CURSOR FOR SELECT c.id");
    for (_, columns) in CUSTOMER_PARTS.iter().enumerate().filter(|(part, _)| read.has(*part)) {
        query.push(", ").push(columns);
    }
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
    open(connection, query).await?;
    Ok(read)
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

/// Customers as the database sent them.
#[derive(Debug)]
pub struct CustomerRows(CustomerParts, Vec<PgRow>);

impl CustomerRows {
    /// The customers, each made when it is asked for: it is time that the database can use.
    pub fn customers(&self) -> impl Iterator<Item = Result<ExportedCustomer, sqlx::Error>> {
        self.1.iter().map(|row| self.0.of(row))
    }

    /// The bytes of the largest one; `None` where there is none.
    #[must_use]
    pub fn largest(&self) -> Option<usize> {
        let size = |row: &PgRow| {
            let values = (0..row.len()).filter_map(|place| row.try_get_raw(place).ok());
            values.filter_map(|value| value.as_bytes().ok().map(<[u8]>::len)).sum()
        };
        self.1.iter().map(size).max()
    }
}

/// The next customers, at most `rows`; none where all were read.
///
/// # Errors
/// When the database refuses.
pub async fn next_customers(
    connection: &mut PgConnection,
    parts: CustomerParts,
    rows: usize,
) -> Result<CustomerRows, sqlx::Error> {
    Ok(CustomerRows(parts, next_rows(parts.cursor(), rows).build().fetch_all(connection).await?))
}

/// The next orders, at most `rows`; none where all were read.
///
/// # Errors
/// When the database refuses.
pub async fn next_orders(connection: &mut PgConnection, rows: usize) -> Result<Vec<Order>, sqlx::Error> {
    let rows = next_rows("exported_orders".to_owned(), rows).build().fetch_all(connection).await?;
    rows.iter().map(|row| OrderRow::from_row(row).map(Order::from)).collect()
}

async fn open(connection: &mut PgConnection, mut query: QueryBuilder<Postgres>) -> Result<(), sqlx::Error> {
    // No two exports are alike enough for their statements to be kept.
    query.build().persistent(false).execute(connection).await.map(drop)
}

/// The statement is kept, of which there are few: kept, it is on its way before anything is waited for.
fn next_rows(cursor: String, rows: usize) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("FETCH FORWARD ");
    query.push(rows).push(" FROM ").push(cursor);
    query
}
