//! Deliveries of webhooks: written beside the change that they tell of, and read by whoever looks what became of them. What the
//! courier does is in `queue.rs`.

mod queue;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, QueryBuilder};

use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::webhook::{NewDelivery, StoredDelivery};

pub use queue::{CHANNEL, CourierConnection, Look, expire};

/// Deliveries, column by column, as `unnest` takes them.
pub(super) struct DeliveryColumns {
    pub ids: Vec<String>,
    pub webhook_ids: Vec<String>,
    pub customer_ids: Vec<String>,
    pub entry_ids: Vec<String>,
}

impl DeliveryColumns {
    pub fn of(deliveries: &[NewDelivery]) -> Self {
        let column = |text: fn(&NewDelivery) -> &String| deliveries.iter().map(|one| text(one).clone()).collect();
        Self {
            ids: column(|one| &one.id),
            webhook_ids: column(|one| &one.webhook_id),
            customer_ids: column(|one| &one.customer_id),
            entry_ids: column(|one| &one.entry_id),
        }
    }
}

/// Puts deliveries in line, to be sent from `now` on, in one statement however many.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    deliveries: &[NewDelivery],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let columns = DeliveryColumns::of(deliveries);
    sqlx::query!(
        "INSERT INTO webhook_deliveries (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at)
         SELECT $1, delivery.*, $6, $6 FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS delivery",
        project.0,
        &columns.ids,
        &columns.webhook_ids,
        &columns.customer_ids,
        &columns.entry_ids,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A status of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Neither delivered nor given up.
    Pending,
    Delivered,
    Failed,
}

impl DeliveryStatus {
    /// The names, in the order of the statuses.
    pub const NAMES: [&str; 3] = ["PENDING", "DELIVERED", "FAILED"];

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|one| *one == name)?;
        [Self::Pending, Self::Delivered, Self::Failed].get(place).copied()
    }
}

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only of that webhook.
    pub webhook_id: Option<String>,
    pub status: Option<DeliveryStatus>,
    /// Only those that are older than the one with this id.
    pub starting_after_id: Option<String>,
}

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

/// Deliveries of a project, newest first: one more than `limit` where there are more. It reads as many of each webhook, of which there are
/// not many, and of these the newest.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<StoredDelivery>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.outcome, d.finished_at, d.attempts,
                a.type AS event_type
         FROM webhooks w,
             LATERAL (SELECT * FROM webhook_deliveries one WHERE one.project_id = w.project_id AND one.webhook_id = w.id",
    );
    if let Some(id) = &filter.starting_after_id {
        query.push(" AND one.id < ").push_bind(id.clone());
    }
    // As literals, by which PostgreSQL knows the indexes that have only these.
    match filter.status {
        None => {}
        Some(DeliveryStatus::Pending) => _ = query.push(" AND one.due_at IS NOT NULL"),
        Some(DeliveryStatus::Delivered) => _ = query.push(" AND one.outcome = 'DELIVERED'"),
        Some(DeliveryStatus::Failed) => _ = query.push(" AND one.outcome = 'FAILED'"),
    }
    query.push(" ORDER BY one.id DESC LIMIT ").push_bind(limit + 1).push(
        ") AS d
         JOIN customer_activity a ON a.project_id = d.project_id AND a.customer_id = d.customer_id AND a.id = d.entry_id",
    );
    query.push(" WHERE w.deleted_at IS NULL AND w.project_id = ").push_bind(project.0);
    if let Some(webhook_id) = &filter.webhook_id {
        query.push(" AND w.id = ").push_bind(webhook_id.clone());
    }
    query.push(" ORDER BY d.id DESC LIMIT ").push_bind(limit + 1);
    let rows: Vec<DeliveryRow> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(StoredDelivery::from).collect())
}

/// The delivery with that id, of whichever webhook of the project.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<StoredDelivery>, sqlx::Error> {
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

/// Puts a delivery in line again, as if it had never been tried; `false` where there is none.
///
/// # Errors
/// When the database refuses.
pub async fn replay(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE webhook_deliveries d
         SET due_at = $3, outcome = NULL, failures = 0, round = round + 1, first_attempt_at = NULL, finished_at = NULL
         FROM webhooks w
         WHERE w.project_id = $1 AND w.deleted_at IS NULL AND d.project_id = $1 AND d.webhook_id = w.id AND d.id = $2",
        project.0,
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes deliveries of a webhook that is gone: `most` of them, and returns how many they were.
///
/// # Errors
/// When the database refuses.
pub async fn remove_of(
    connection: &mut PgConnection,
    project: ProjectId,
    webhook_id: &str,
    most: i64,
) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM webhook_deliveries d
         USING (SELECT id FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 ORDER BY id LIMIT $3) AS gone
         WHERE d.project_id = $1 AND d.webhook_id = $2 AND d.id = gone.id",
        project.0,
        webhook_id,
        most
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// How many deliveries of active webhooks should have been tried by `now` and were not.
///
/// # Errors
/// When the database refuses.
pub async fn unsent(connection: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> Result<i64, sqlx::Error> {
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
