//! Webhook deliveries. They are inserted in the transaction of the change that they report, and requests read their
//! outcomes. The queries of the delivery worker are in `queue.rs`.

mod due_row;
mod expiry;
mod message;
mod queue;
mod record;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, QueryBuilder};

use crate::db::MAX_ROWS_OF_VALUES;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::trace_context::TraceContext;
use crate::domain::webhook::{NewDelivery, StoredDelivery};
use crate::trace::statement;

pub use expiry::delete_finished;
pub use message::find_with_message;
pub(super) use queue::CHANNEL_ENDING;
pub use queue::{DeliveryConnection, DueQuery};

/// Deliveries as the arrays that `unnest` takes, one for each column.
pub(super) struct DeliveryColumns {
    pub ids: Vec<String>,
    pub webhook_ids: Vec<String>,
    pub customer_ids: Vec<String>,
    pub entry_ids: Vec<String>,
    pub trace_contexts: Vec<Option<String>>,
}

impl DeliveryColumns {
    pub fn from_slice(deliveries: &[NewDelivery]) -> Self {
        let column =
            |text: fn(&NewDelivery) -> &String| deliveries.iter().map(|delivery| text(delivery).clone()).collect();
        Self {
            ids: column(|delivery| &delivery.id),
            webhook_ids: column(|delivery| &delivery.webhook_id),
            customer_ids: column(|delivery| &delivery.customer_id),
            entry_ids: column(|delivery| &delivery.entry_id),
            trace_contexts: deliveries.iter().map(stored_trace).collect(),
        }
    }
}

/// Returns the trace of a delivery as it is stored.
pub(super) fn stored_trace(delivery: &NewDelivery) -> Option<String> {
    delivery.trace.as_ref().map(|trace| trace.to_stored())
}

/// Inserts any number of deliveries, which are due at `now`, in one statement.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    deliveries: &[NewDelivery],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("webhook_deliveries.insert");
    if deliveries.len() <= MAX_ROWS_OF_VALUES {
        return insert_values(connection, project, deliveries, now).await;
    }
    let columns = DeliveryColumns::from_slice(deliveries);
    sqlx::query!(
        "INSERT INTO webhook_deliveries
             (project_id, id, webhook_id, customer_id, entry_id, trace_context, created_at, due_at)
         SELECT $1, delivery.*, $6, $6 FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $7::text[]) AS delivery",
        project.0,
        &columns.ids,
        &columns.webhook_ids,
        &columns.customer_ids,
        &columns.entry_ids,
        now,
        &columns.trace_contexts as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts a few deliveries as rows of values, which Citus sends to their server as they are and commits there alone.
async fn insert_values(
    connection: &mut PgConnection,
    project: ProjectId,
    deliveries: &[NewDelivery],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO webhook_deliveries
             (project_id, id, webhook_id, customer_id, entry_id, trace_context, created_at, due_at) ",
    );
    query.push_values(deliveries, |mut row, delivery| {
        row.push_bind(project.0)
            .push_bind(&delivery.id)
            .push_bind(&delivery.webhook_id)
            .push_bind(&delivery.customer_id)
            .push_bind(&delivery.entry_id)
            .push_bind(stored_trace(delivery))
            .push_bind(now)
            .push_bind(now);
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// The status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// An attempt is still due.
    Pending,
    Delivered,
    Failed,
}

impl DeliveryStatus {
    /// The names of the statuses, in the order of the variants.
    pub const NAMES: [&str; 3] = ["PENDING", "DELIVERED", "FAILED"];

    /// Returns the status with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        [Self::Pending, Self::Delivered, Self::Failed].get(index).copied()
    }
}

/// Selects the deliveries of a list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only deliveries of this webhook.
    pub webhook_id: Option<String>,
    pub status: Option<DeliveryStatus>,
    /// Only deliveries that are older than the one with this id.
    pub starting_after_id: Option<String>,
}

/// A row of `webhook_deliveries`, with the type of its activity entry.
#[derive(FromRow)]
struct DeliveryRow {
    id: String,
    webhook_id: String,
    customer_id: String,
    entry_id: String,
    created_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    finished_at: Option<DateTime<Utc>>,
    attempts: Option<String>,
    event_type: String,
}

impl From<DeliveryRow> for StoredDelivery {
    fn from(row: DeliveryRow) -> Self {
        let DeliveryRow {
            id,
            webhook_id,
            customer_id,
            entry_id,
            created_at,
            due_at,
            outcome,
            finished_at,
            attempts,
            event_type,
        } = row;
        let attempts = attempts.map(|attempts| JsonText::from_trusted(format!("[{attempts}]")));
        Self { id, webhook_id, customer_id, entry_id, created_at, due_at, outcome, finished_at, attempts, event_type }
    }
}

/// Lists the deliveries of a project, newest first. It returns at most `limit + 1` deliveries, so that the caller can
/// detect whether there are more. The query reads the newest `limit + 1` of each webhook and then selects among these,
/// because a project has few webhooks.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<StoredDelivery>, sqlx::Error> {
    let _statement = statement("webhook_deliveries.list");
    let mut query = QueryBuilder::new(
        "SELECT d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.outcome, d.finished_at, d.attempts,
                a.type AS event_type
         FROM webhooks w,
             LATERAL (SELECT * FROM webhook_deliveries one WHERE one.webhook_id = w.id AND one.project_id = ",
    );
    query.push_bind(project.0);
    if let Some(id) = &filter.starting_after_id {
        query.push(" AND one.id < ").push_bind(id.clone());
    }
    // Use literals, so that PostgreSQL recognises that a partial index can be used.
    match filter.status {
        None => {}
        Some(DeliveryStatus::Pending) => _ = query.push(" AND one.due_at IS NOT NULL"),
        Some(DeliveryStatus::Delivered) => _ = query.push(" AND one.outcome = 'DELIVERED'"),
        Some(DeliveryStatus::Failed) => _ = query.push(" AND one.outcome = 'FAILED'"),
    }
    query.push(" ORDER BY one.id DESC LIMIT ").push_bind(limit + 1).push(
        ") AS d
         JOIN customer_activity a ON a.customer_id = d.customer_id AND a.id = d.entry_id AND a.project_id = ",
    );
    query.push_bind(project.0);
    query.push(" WHERE w.deleted_at IS NULL AND w.project_id = ").push_bind(project.0);
    if let Some(webhook_id) = &filter.webhook_id {
        query.push(" AND w.id = ").push_bind(webhook_id.clone());
    }
    query.push(" ORDER BY d.id DESC LIMIT ").push_bind(limit + 1);
    let rows: Vec<DeliveryRow> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(StoredDelivery::from).collect())
}

/// Finds the delivery with that id, of any webhook of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<StoredDelivery>, sqlx::Error> {
    let _statement = statement("webhook_deliveries.find");
    let row = sqlx::query_as!(
        DeliveryRow,
        "SELECT d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.outcome, d.finished_at, d.attempts,
                a.type AS event_type
         FROM webhooks w
         JOIN webhook_deliveries d ON d.project_id = w.project_id AND d.webhook_id = w.id
         JOIN customer_activity a ON a.project_id = d.project_id AND a.customer_id = d.customer_id AND a.id = d.entry_id
         WHERE w.project_id = $1 AND w.deleted_at IS NULL AND d.id = $2",
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredDelivery::from))
}

/// Returns whether a delivery of the webhook has failed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn has_failed(
    connection: &mut PgConnection,
    project: ProjectId,
    webhook_id: &str,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("webhook_deliveries.has_failed");
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM webhook_deliveries
           WHERE project_id = $1 AND webhook_id = $2 AND outcome = 'FAILED') AS "has_failed!""#,
        project.0,
        webhook_id
    )
    .fetch_one(connection)
    .await
}

/// Lists the deliveries of some activity entries of a customer, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_of_entries(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    entry_ids: &[String],
) -> Result<Vec<StoredDelivery>, sqlx::Error> {
    let _statement = statement("webhook_deliveries.list_of_entries");
    let rows = sqlx::query_as!(
        DeliveryRow,
        "SELECT d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.outcome, d.finished_at, d.attempts,
                a.type AS event_type
         FROM webhook_deliveries d
         JOIN webhooks w ON w.project_id = d.project_id AND w.id = d.webhook_id AND w.deleted_at IS NULL
         JOIN customer_activity a ON a.project_id = d.project_id AND a.customer_id = d.customer_id AND a.id = d.entry_id
         WHERE d.project_id = $1 AND d.customer_id = $2 AND d.entry_id = ANY($3)
         ORDER BY d.id",
        project.0,
        customer_id,
        entry_ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(StoredDelivery::from).collect())
}

/// Puts a delivery into the queue again, as if no attempt had been made. With `trace`, it becomes part of that trace. Returns `false` when there is no such
/// delivery.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn requeue(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    now: DateTime<Utc>,
    trace: Option<&TraceContext>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("webhook_deliveries.requeue");
    let result = sqlx::query!(
        "UPDATE webhook_deliveries d
         SET trace_context = coalesce($4, trace_context), due_at = $3, outcome = NULL, failures = 0, round = round + 1, first_attempt_at = NULL, finished_at = NULL
         FROM webhooks w
         WHERE w.project_id = $1 AND w.deleted_at IS NULL AND d.project_id = $1 AND d.webhook_id = w.id AND d.id = $2",
        project.0,
        id,
        now,
        trace.map(TraceContext::to_stored)
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Deletes at most `limit` deliveries of a deleted webhook, and returns how many it deleted. It locks them in the order of
/// their ids, like an erasure.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_by_webhook(
    connection: &mut PgConnection,
    project: ProjectId,
    webhook_id: &str,
    limit: i64,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("webhook_deliveries.delete_by_webhook");
    let result = sqlx::query!(
        "WITH gone AS MATERIALIZED (
             SELECT id FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 ORDER BY id LIMIT $3 FOR UPDATE
         )
         DELETE FROM webhook_deliveries d USING gone
         WHERE d.project_id = $1 AND d.webhook_id = $2 AND d.id = gone.id",
        project.0,
        webhook_id,
        limit
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(result.rows_affected()).unwrap_or(i64::MAX))
}

/// Counts the deliveries of active webhooks whose next attempt was due at `now` or earlier.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_overdue(
    connection: &mut PgConnection,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("webhook_deliveries.count_overdue");
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM webhooks w
           JOIN webhook_deliveries d ON d.project_id = w.project_id AND d.webhook_id = w.id
           WHERE w.project_id = $1 AND w.active AND d.due_at <= $2"#,
        project.0,
        now
    )
    .fetch_one(connection)
    .await
}
