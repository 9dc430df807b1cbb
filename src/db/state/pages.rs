//! Reading the objects of a project page by page, in the order of their primary keys. All pages are read in one
//! transaction, which sees one moment.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::db::orders::OrderRow;
use crate::db::pool::{Pool, Transaction};
use crate::domain::customer::{Customer, OrderSummary};
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::project::ProjectId;
use crate::domain::segment::{Segment, SegmentType};
use crate::trace::statement;

/// Begins a transaction that sees the state of one moment and writes nothing.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_snapshot(pool: &Pool, project: ProjectId) -> Result<Transaction, sqlx::Error> {
    let statements = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1".to_owned();
    pool.begin_with(project, AssertSqlSafe(statements)).await.map(|(transaction, _)| transaction)
}

/// A customer with what the API does not show.
#[derive(Clone, Debug)]
pub struct CustomerPageRow {
    pub customer: Customer,
    /// The ids of the consents and whether each is given, as a JSON object; `None` when there are none.
    pub consents: Option<JsonText>,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Lists at most `limit` customers whose ids come after `after`, deleted ones included.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_customers(
    connection: &mut PgConnection,
    project: ProjectId,
    after: &str,
    limit: i64,
) -> Result<Vec<CustomerPageRow>, sqlx::Error> {
    let _statement = statement("state.list_customers");
    let rows = sqlx::query!(
        r#"SELECT id, source_id, profile AS "profile: JsonText", metadata AS "metadata: JsonText", orders_count,
                  orders_amount, last_order_amount, last_order_at, created_at, updated_at, deleted_at,
                  state AS "state: JsonText",
                  (SELECT ('{' || string_agg(to_json(held.consent_id)::text || ':' || held.given::text, ','
                                             ORDER BY held.consent_id) || '}')::json
                   FROM customer_consents held
                   WHERE held.project_id = $1 AND held.customer_id = customers.id) AS "consents: JsonText"
           FROM customers WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        project.0,
        after,
        limit
    )
    .fetch_all(connection)
    .await?;
    let customers = rows.into_iter().map(|row| CustomerPageRow {
        customer: Customer {
            id: row.id,
            source_id: row.source_id,
            profile: row.profile,
            metadata: row.metadata,
            orders: OrderSummary {
                count: row.orders_count,
                amount: row.orders_amount,
                last_amount: row.last_order_amount,
                last_at: row.last_order_at,
            },
            state: row.state,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        consents: row.consents,
        deleted_at: row.deleted_at,
    });
    Ok(customers.collect())
}

/// Lists at most `limit` orders whose ids come after `after`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_orders(
    connection: &mut PgConnection,
    project: ProjectId,
    after: &str,
    limit: i64,
) -> Result<Vec<Order>, sqlx::Error> {
    let _statement = statement("state.list_orders");
    let rows = sqlx::query_as::<_, OrderRow>(
        "SELECT id, source_id, customer_id, referrer_id, status, amount, items, metadata, created_at, updated_at
         FROM orders WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(project.0)
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// A custom event, without what is not stored of it.
#[derive(Clone, Debug)]
pub struct EventPageRow {
    pub id: String,
    pub customer_id: String,
    pub name: String,
    pub metadata: JsonText,
    pub created_at: DateTime<Utc>,
}

/// Lists at most `limit` custom events that come after the customer id and event id `after`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_events(
    connection: &mut PgConnection,
    project: ProjectId,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<EventPageRow>, sqlx::Error> {
    let _statement = statement("state.list_events");
    sqlx::query_as!(
        EventPageRow,
        r#"SELECT id, customer_id, type AS name, metadata AS "metadata: JsonText", created_at
           FROM custom_events WHERE project_id = $1 AND (customer_id, id) > ($2, $3)
           ORDER BY customer_id, id LIMIT $4"#,
        project.0,
        after.0,
        after.1,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Lists at most `limit` segments whose ids come after `after`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_segments(
    connection: &mut PgConnection,
    project: ProjectId,
    after: &str,
    limit: i64,
) -> Result<Vec<Segment>, sqlx::Error> {
    let _statement = statement("state.list_segments");
    let rows = sqlx::query!(
        r#"SELECT id, name, type AS kind, filter AS "filter: JsonText", created_at, updated_at
           FROM segments WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        project.0,
        after,
        limit
    )
    .fetch_all(connection)
    .await?;
    let segments = rows.into_iter().map(|row| Segment {
        id: row.id,
        name: row.name,
        // The check constraint of the column allows only the names that can be parsed.
        kind: SegmentType::parse(&row.kind).unwrap_or(SegmentType::Static),
        filter: row.filter,
        created_at: row.created_at,
        updated_at: row.updated_at,
        evaluated_at: None,
    });
    Ok(segments.collect())
}

/// Lists the ids of the members of a segment, in their order.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_segment_members(
    connection: &mut PgConnection,
    project: ProjectId,
    segment_id: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("state.list_segment_members");
    sqlx::query_scalar!(
        "SELECT customer_id FROM segment_members WHERE project_id = $1 AND segment_id = $2 ORDER BY customer_id",
        project.0,
        segment_id
    )
    .fetch_all(connection)
    .await
}
