//! Customers: reading one, and every change. Lists are in [`list()`], new customers in [`insert()`].

mod insert;
mod list;
mod many;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::customer::{Customer, OrderSummary, Searched};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;

pub use insert::{NewCustomer, insert};
pub(super) use list::push_window;
pub use list::{CustomerFilter, CustomerPage, list};
pub use many::{insert_all, refresh_all_orders, update_all};

/// The name under which `row_counts` counts the living customers.
pub const RESOURCE: &str = "customers";

pub(super) struct CustomerRow {
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
    state: Option<JsonText>,
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
            state,
        } = row;
        let orders = OrderSummary {
            count: orders_count,
            amount: orders_amount,
            last_amount: last_order_amount,
            last_at: last_order_at,
        };
        Self { id, source_id, profile, metadata, orders, state, created_at, updated_at }
    }
}

/// The columns of [`CustomerRow`] from the customers that `$tail` chooses.
macro_rules! select_customer {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            CustomerRow,
            r#"SELECT id, source_id, profile AS "profile: JsonText", metadata AS "metadata: JsonText",
                      orders_count, orders_amount, last_order_amount, last_order_at, created_at, updated_at, deleted_at,
                      state AS "state: JsonText"
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
        let row = select_customer!("WHERE project_id = $1 AND id = $2", project.0, identifier.as_str());
        if let Some(customer) = row.fetch_optional(&mut *connection).await?.and_then(CustomerRow::living) {
            return Ok(Some(customer));
        }
    }
    find_by_source_id(connection, project, identifier).await
}

/// [`find`] by the source id alone.
///
/// # Errors
/// When the database refuses.
pub async fn find_by_source_id(
    connection: &mut PgConnection,
    project: ProjectId,
    source_id: &Identifier,
) -> Result<Option<Customer>, sqlx::Error> {
    if !source_id.can_exist() {
        return Ok(None);
    }
    let row = select_customer!(
        "WHERE project_id = $1 AND source_id = $2 AND deleted_at IS NULL",
        project.0,
        source_id.as_str()
    );
    Ok(row.fetch_optional(connection).await?.map(Customer::from))
}

/// The living customers with those ids.
///
/// # Errors
/// When the database refuses.
pub async fn find_all(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Vec<Customer>, sqlx::Error> {
    let rows = select_customer!("WHERE project_id = $1 AND id = ANY($2) AND deleted_at IS NULL", project.0, ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Customer::from).collect())
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

/// Sets the state of a locked customer.
///
/// # Errors
/// When the database refuses.
pub async fn set_state(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    state: Option<&JsonText>,
) -> Result<(), sqlx::Error> {
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

/// Computes the order summary of a locked customer anew from its orders, stores it and returns it. The lock is what makes the sum
/// true: of two transactions that change its orders, the second counts what the first has committed.
///
/// # Errors
/// When the database refuses.
pub async fn refresh_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<OrderSummary, sqlx::Error> {
    let row = sqlx::query!(
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
         WHERE project_id = $1 AND customers.id = $2
         RETURNING orders_count, orders_amount, last_order_amount, last_order_at",
        project.0,
        id
    )
    .fetch_one(connection)
    .await?;
    Ok(OrderSummary {
        count: row.orders_count,
        amount: row.orders_amount,
        last_amount: row.last_order_amount,
        last_at: row.last_order_at,
    })
}

/// Removes a key from the metadata of every customer, also of those who are deleted and not forgotten, and tells how many
/// living ones had it. The other keys stay as they are, and nobody counts as updated.
///
/// # Errors
/// When the database refuses.
pub async fn purge_metadata(connection: &mut PgConnection, project: ProjectId, key: &str) -> Result<i64, sqlx::Error> {
    // Locked by id, as everywhere, so that two who lock several customers do not wait for each other.
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
