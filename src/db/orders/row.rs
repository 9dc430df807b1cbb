//! The row of an order, as every query of this module reads it.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use crate::domain::json::JsonText;
use crate::domain::order::{Order, OrderStatus};

/// A row of `orders`.
pub(in crate::db) struct OrderRow {
    pub(super) id: String,
    pub(super) source_id: Option<String>,
    pub(super) customer_id: Option<String>,
    pub(super) referrer_id: Option<String>,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) items: Option<JsonText>,
    pub(super) metadata: Option<JsonText>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: Option<DateTime<Utc>>,
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
        // The check constraint of the column allows only the names that can be parsed.
        let status = OrderStatus::parse(&status).unwrap_or_default();
        Self { id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at, updated_at }
    }
}

/// The columns that statements for several orders select, in the order in which [`OrderRow`] reads them.
pub(super) const COLUMNS: &str =
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

/// Selects the columns of [`OrderRow`] from `orders`, with the rest of the statement from `WHERE` on.
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
pub(super) use select_order;
