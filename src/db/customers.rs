//! Customers.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};

use crate::domain::activity::ActivityEntry;
use crate::domain::customer::{Customer, OrderSummary, Searched};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::page::{Direction, Page, Sort, SortKey, Window};
use crate::domain::project::ProjectId;
use crate::domain::timestamp;

/// The name under which `row_counts` counts the living customers.
pub const RESOURCE: &str = "customers";

struct CustomerRow {
    id: String,
    source_id: Option<String>,
    profile: JsonText,
    metadata: Option<JsonText>,
    orders_count: i64,
    orders_amount: i64,
    last_order_amount: i64,
    last_order_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

impl CustomerRow {
    /// The customer, unless it is deleted.
    fn living(self) -> Option<Customer> {
        if self.deleted_at.is_some() { None } else { Some(self.into()) }
    }
}

impl From<CustomerRow> for Customer {
    fn from(row: CustomerRow) -> Self {
        let CustomerRow {
            id,
            source_id,
            profile,
            metadata,
            orders_count,
            orders_amount,
            last_order_amount,
            last_order_at,
            created_at,
            updated_at,
            deleted_at: _,
        } = row;
        let orders = OrderSummary {
            count: orders_count,
            amount: orders_amount,
            last_amount: last_order_amount,
            last_at: last_order_at,
        };
        Self { id, source_id, profile, metadata, orders, created_at, updated_at }
    }
}

/// What every read of customers selects, in the order that [`CustomerRow`] is read from a list.
const COLUMNS: &str = "c.id, c.source_id, c.profile, c.metadata, c.orders_count, c.orders_amount, c.last_order_amount, \
    c.last_order_at, c.created_at, c.updated_at";

impl FromRow<'_, PgRow> for CustomerRow {
    /// By position, which is what a page of a hundred rows spends its time on.
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            source_id: row.try_get_unchecked(1)?,
            profile: row.try_get_unchecked(2)?,
            metadata: row.try_get_unchecked(3)?,
            orders_count: row.try_get_unchecked(4)?,
            orders_amount: row.try_get_unchecked(5)?,
            last_order_amount: row.try_get_unchecked(6)?,
            last_order_at: row.try_get_unchecked(7)?,
            created_at: row.try_get_unchecked(8)?,
            updated_at: row.try_get_unchecked(9)?,
            // A list has none that are deleted.
            deleted_at: None,
        })
    }
}

/// The columns of [`CustomerRow`] from the customers that `$tail` chooses.
macro_rules! select_customer {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            CustomerRow,
            r#"SELECT id, source_id, profile AS "profile: JsonText", metadata AS "metadata: JsonText",
                      orders_count, orders_amount, last_order_amount, last_order_at, created_at, updated_at, deleted_at
               FROM customers "# + $tail,
            $($argument),*
        )
    };
}

/// Whether an identifier has the form of the ids that this program makes; another can only be a source id.
#[must_use]
pub fn may_be_id(identifier: &Identifier) -> bool {
    identifier.has_form("cust_", 24)
}

/// The living customer with that id or, where there is none, that source id.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier) {
        // By the primary key alone: with more to choose from, PostgreSQL may take another index while the table is small,
        // and keep the plan when it is not.
        let row = select_customer!("WHERE project_id = $1 AND id = $2", project.0, identifier.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(customer) = row.and_then(CustomerRow::living) {
            return Ok(Some(customer));
        }
    }
    let row = select_customer!(
        "WHERE project_id = $1 AND source_id = $2 AND deleted_at IS NULL",
        project.0,
        identifier.as_str()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Customer::from))
}

/// As [`find`], and keeps the customer from being changed or deleted by others until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    if !identifier.can_exist() {
        return Ok(None);
    }
    if may_be_id(identifier)
        && let Some(customer) = lock_by_id(connection, project, identifier.as_str()).await?
    {
        return Ok(Some(customer));
    }
    lock_by_source_id(connection, project, identifier.as_str()).await
}

/// [`lock`] by the id alone.
///
/// # Errors
/// When the database refuses.
pub async fn lock_by_id(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<Customer>, sqlx::Error> {
    let row = select_customer!("WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?;
    Ok(row.and_then(CustomerRow::living))
}

/// [`lock`] by the source id alone.
///
/// # Errors
/// When the database refuses.
pub async fn lock_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &str,
) -> Result<Option<Customer>, sqlx::Error> {
    let row = select_customer!(
        "WHERE project_id = $1 AND source_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        project.0,
        source_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Customer::from))
}

/// The living customers with those ids or source ids, locked as by [`lock`] in the order of their ids: transactions that
/// lock several customers all do so in that order, and none waits for another that waits for it.
///
/// # Errors
/// When the database refuses.
pub async fn lock_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    source_ids: &[String],
) -> Result<Vec<Customer>, sqlx::Error> {
    let rows = select_customer!(
        "WHERE project_id = $1 AND (id = ANY($2) OR source_id = ANY($3)) AND deleted_at IS NULL
         ORDER BY id FOR NO KEY UPDATE",
        project.0,
        ids,
        source_ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Customer::from).collect())
}

/// Adds a customer, the entry that tells of it, and one to the count, in one statement. `false`, with nothing done, where
/// a living customer has the same source id.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    customer: &Customer,
    searched: &Searched,
    entry: &ActivityEntry,
) -> Result<bool, sqlx::Error> {
    let counted = sqlx::query!(
        "WITH customer AS (
             INSERT INTO customers (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $11, $12, $13)
             ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
             RETURNING id
         ),
         entry AS (
             INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
             SELECT $1, id, $7, $8, $9, $10, $6 FROM customer
         )
         INSERT INTO row_counts AS counts (project_id, resource, slot, value)
         SELECT $1, 'customers', pg_backend_pid() % 64, 1 FROM customer
         ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1",
        project.0,
        customer.id,
        customer.source_id,
        &customer.profile as &JsonText,
        customer.metadata.as_ref() as Option<&JsonText>,
        customer.created_at,
        entry.id,
        entry.kind.as_str(),
        entry.group_id,
        entry.data.as_str(),
        searched.name,
        searched.email,
        searched.city
    )
    .execute(connection)
    .await?;
    Ok(counted.rows_affected() == 1)
}

/// Writes what a request may change of a locked customer.
///
/// # Errors
/// When the database refuses.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    customer: &Customer,
    searched: &Searched,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE customers SET profile = $3, metadata = $4, updated_at = $5, changed_at = $5, name = $6, email = $7, city = $8
         WHERE project_id = $1 AND id = $2",
        project.0,
        customer.id,
        &customer.profile as &JsonText,
        customer.metadata.as_ref() as Option<&JsonText>,
        customer.updated_at,
        searched.name,
        searched.email,
        searched.city
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks a locked customer as deleted under the source id that it has now, and takes one from the count.
///
/// # Errors
/// When the database refuses.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    project: ProjectId,
    customer: &Customer,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
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

/// Computes the order summary of a locked customer anew from its orders and stores it. The lock is what makes the sum
/// true: of two transactions that change its orders, the second counts what the first has committed.
///
/// # Errors
/// When the database refuses.
pub async fn refresh_orders(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE customers
         SET orders_count = counted.count, orders_amount = counted.amount,
             last_order_amount = coalesce(last.amount, 0), last_order_at = last.created_at
         FROM (
             SELECT count(*) AS count, greatest(least(coalesce(sum(amount), 0), 9007199254740991), -9007199254740991)::bigint AS amount
             FROM orders WHERE project_id = $1 AND customer_id = $2 AND status IN ('PAID', 'FULFILLED')
         ) AS counted
         LEFT JOIN (
             SELECT amount, created_at
             FROM orders WHERE project_id = $1 AND customer_id = $2 AND status IN ('PAID', 'FULFILLED')
             ORDER BY created_at DESC, id DESC LIMIT 1
         ) AS last ON true
         WHERE project_id = $1 AND customers.id = $2",
        project.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which customers a list shows.
#[derive(Clone, Debug, Default)]
pub struct CustomerFilter {
    pub email: Option<String>,
    pub city: Option<String>,
    pub name: Option<String>,
    pub segment_id: Option<String>,
    pub created_at: Window,
    pub updated_at: Window,
}

impl CustomerFilter {
    /// Whether every living customer passes.
    fn is_open(&self) -> bool {
        self.segment_id.is_none() && self.is_without_conditions()
    }

    /// Whether every member of a segment passes, and nobody else.
    fn is_of_segment_only(&self) -> bool {
        self.segment_id.is_some() && self.is_without_conditions()
    }

    fn is_without_conditions(&self) -> bool {
        let Self { email, city, name, segment_id: _, created_at, updated_at } = self;
        email.is_none() && city.is_none() && name.is_none() && created_at.is_open() && updated_at.is_open()
    }
}

/// One page of customers and the number of all that pass the filter.
#[derive(Debug)]
pub struct CustomerPage {
    /// One more than the page's limit where there are more.
    pub rows: Vec<Customer>,
    pub total: i64,
}

/// A page of the living customers that pass `filter`; `cursor` continues a list after (in the sense of `sort`) a moment,
/// without changing the total.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &CustomerFilter,
    sort: Sort,
    cursor: Option<DateTime<Utc>>,
    page: Page,
) -> Result<CustomerPage, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS);
    push_matching(&mut query, project, filter);
    // A page of a segment is read in order from the members' own copy of the time.
    let members_sort = filter.segment_id.is_some() && sort.key == SortKey::CreatedAt;
    let key = match sort.key {
        SortKey::CreatedAt if members_sort => "m.customer_created_at",
        SortKey::CreatedAt => "c.created_at",
        SortKey::UpdatedAt => "c.changed_at",
        SortKey::SourceId => "c.source_id",
    };
    if let Some(cursor) = cursor {
        let cursor_key = if sort.key == SortKey::SourceId { "c.created_at" } else { key };
        let window = match sort {
            Sort { key: SortKey::SourceId, .. } | Sort { direction: Direction::Descending, .. } => {
                Window { before: Some(cursor), after: None }
            }
            Sort { direction: Direction::Ascending, .. } => Window { before: None, after: Some(cursor) },
        };
        push_window(&mut query, cursor_key, window);
    }
    // As the indexes are: rows without the value first, so last in the other direction. Times are never null, and an index in
    // plain order would not serve an order that names where its nulls go.
    let (direction, nulls) = match sort.direction {
        Direction::Ascending => (" ASC", " NULLS FIRST"),
        Direction::Descending => (" DESC", " NULLS LAST"),
    };
    query.push(" ORDER BY ").push(key).push(direction);
    query.push(if sort.key == SortKey::SourceId { nulls } else { "" });
    query.push(if members_sort { ", m.customer_id" } else { ", c.id" }).push(direction);
    query.push(" LIMIT ").push_bind(page.limit + 1).push(" OFFSET ").push_bind(page.offset());
    let rows: Vec<CustomerRow> = query.build_query_as().fetch_all(&mut *connection).await?;

    let total = if filter.is_open() {
        super::row_counts::total(connection, project, RESOURCE).await?
    } else if cursor.is_none() && page.number == 1 && i64::try_from(rows.len()).is_ok_and(|len| len <= page.limit) {
        // The first page holds them all.
        i64::try_from(rows.len()).unwrap_or(i64::MAX)
    } else {
        let mut count = QueryBuilder::new("SELECT count(*)");
        if filter.is_of_segment_only() {
            // Whoever is deleted has left the segment.
            push_members(&mut count, project, filter);
        } else {
            push_matching(&mut count, project, filter);
        }
        count.build_query_scalar().fetch_one(connection).await?
    };
    Ok(CustomerPage { rows: rows.into_iter().map(Customer::from).collect(), total })
}

/// `FROM` and `WHERE` of the members of the filter's segment.
fn push_members(query: &mut QueryBuilder<Postgres>, project: ProjectId, filter: &CustomerFilter) {
    query.push(" FROM segment_members m WHERE m.project_id = ").push_bind(project.0);
    query.push(" AND m.segment_id = ").push_bind(filter.segment_id.clone());
}

/// `FROM` and `WHERE` of the living customers that pass `filter`.
fn push_matching(query: &mut QueryBuilder<Postgres>, project: ProjectId, filter: &CustomerFilter) {
    let CustomerFilter { email, city, name, segment_id, created_at, updated_at } = filter;
    if let Some(segment_id) = segment_id {
        // From each member to its customer by the primary key. Left to choose, PostgreSQL may read the whole project
        // instead: it takes every project for one of average size.
        query
            .push(" FROM segment_members m CROSS JOIN LATERAL (SELECT * FROM customers WHERE project_id = m.project_id")
            .push(" AND id = m.customer_id OFFSET 0) c WHERE m.project_id = ")
            .push_bind(project.0)
            .push(" AND m.segment_id = ")
            .push_bind(segment_id.clone());
    } else {
        query.push(" FROM customers c WHERE c.project_id = ").push_bind(project.0);
    }
    query.push(" AND c.deleted_at IS NULL");
    for (column, wanted) in [("email", email), ("city", city), ("name", name)] {
        if let Some(wanted) = wanted {
            query.push(" AND c.").push(column).push(" = ").push_bind(wanted.clone());
        }
    }
    push_window(query, "c.created_at", *created_at);
    push_window(query, "c.updated_at", *updated_at);
    // The same again for whoever was updated, on the column that has the index.
    push_window(query, "c.changed_at", *updated_at);
}

/// An open window at the precision of answers: a row that shows the boundary itself is outside.
fn push_window(query: &mut QueryBuilder<Postgres>, column: &'static str, window: Window) {
    if let Some(before) = window.before {
        query.push(" AND ").push(column).push(" < ").push_bind(timestamp::shown(before));
    }
    if let Some(after) = window.after {
        query.push(" AND ").push(column).push(" >= ").push_bind(timestamp::after_shown(after));
    }
}
