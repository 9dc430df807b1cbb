//! The row of a customer, as every query of this module reads it.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use crate::domain::customer::{Customer, CustomerRef, OrderSummary};
use crate::domain::json::JsonText;

/// A row of `customers`, without the columns that only filters and indexes use.
pub(super) struct CustomerRow {
    pub(super) id: String,
    pub(super) source_id: Option<String>,
    pub(super) profile: JsonText,
    pub(super) metadata: Option<JsonText>,
    pub(super) orders_count: i64,
    pub(super) orders_amount: i64,
    pub(super) last_order_amount: i64,
    pub(super) last_order_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) state: Option<JsonText>,
}

/// The columns that statements for several customers select, from `customers c`, in the order in which [`CustomerRow`] reads them.
/// Most customers have no orders, and a null takes less time to send and to read than a zero.
pub(super) const COLUMNS: &str = "c.id, c.source_id, c.profile, c.metadata, nullif(c.orders_count, 0), \
    nullif(c.orders_amount, 0), nullif(c.last_order_amount, 0), c.last_order_at, c.created_at, c.updated_at, c.state";

impl FromRow<'_, PgRow> for CustomerRow {
    /// Reads the columns by position, because finding them by name takes most of the time of a page of a hundred rows.
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let number = |index| Ok::<_, sqlx::Error>(row.try_get_unchecked::<Option<i64>, _>(index)?.unwrap_or_default());
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            source_id: row.try_get_unchecked(1)?,
            profile: row.try_get_unchecked(2)?,
            metadata: row.try_get_unchecked(3)?,
            orders_count: number(4)?,
            orders_amount: number(5)?,
            last_order_amount: number(6)?,
            last_order_at: row.try_get_unchecked(7)?,
            created_at: row.try_get_unchecked(8)?,
            updated_at: row.try_get_unchecked(9)?,
            // Those statements select no deleted customers.
            deleted_at: None,
            state: row.try_get_unchecked(10)?,
        })
    }
}

/// Reads the columns [`COLUMNS`] as [`CustomerRow`] does, without copying the text.
pub(super) fn borrowed(row: &PgRow) -> Result<CustomerRef<'_>, sqlx::Error> {
    let number = |index| Ok::<_, sqlx::Error>(row.try_get_unchecked::<Option<i64>, _>(index)?.unwrap_or_default());
    let orders = OrderSummary {
        count: number(4)?,
        amount: number(5)?,
        last_amount: number(6)?,
        last_at: row.try_get_unchecked(7)?,
    };
    Ok(CustomerRef {
        id: row.try_get_unchecked(0)?,
        source_id: row.try_get_unchecked(1)?,
        profile: row.try_get_unchecked(2)?,
        metadata: row.try_get_unchecked(3)?,
        orders,
        created_at: row.try_get_unchecked(8)?,
        updated_at: row.try_get_unchecked(9)?,
        state: row.try_get_unchecked(10)?,
    })
}

impl CustomerRow {
    /// Returns the customer, or `None` when it is deleted.
    pub(super) fn unless_deleted(self) -> Option<Customer> {
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

/// Selects the columns of [`CustomerRow`] from `customers`, with the rest of the statement from `WHERE` on.
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
pub(super) use select_customer;
