//! The erasure of a customer, and the records of erasures.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

use super::list_query::ListQuery;
use crate::domain::deletion::{DeletionCounts, PermanentDeletion, RecordedDeletion};
use crate::domain::json::JsonText;
use crate::domain::page::Page;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The customer to erase.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// By its id, softly deleted or not.
    Id(&'a str),
    /// By the source id of a customer that is not deleted.
    SourceId(&'a str),
    /// An unconfirmed customer, by its id, its source id or its e-mail address.
    Unconfirmed(&'a str),
}

/// What was erased.
#[derive(Clone, Debug)]
pub struct Erasure {
    pub deletion: PermanentDeletion,
    /// The id, source ids, e-mail address and telephone number of the customer, which are not stored any more.
    pub identifiers: Vec<String>,
}

/// Erases a customer: deletes it with everything that depends on it, records what was removed, and returns its
/// identifiers and the counts; `None`, with nothing changed, when there is no such customer. `deletion_id` and `now`
/// are stored in the record.
///
/// It takes one round trip: the SQL function `erase_customer_rows` (in `functions/`) locks the customer and then removes
/// in one statement everything that is visible from that moment. `erase_unconfirmed_customer` erases an unconfirmed
/// customer, which nothing depends on.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn erase(
    connection: &mut PgConnection,
    project: ProjectId,
    target: Target<'_>,
    deletion_id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Erasure>, sqlx::Error> {
    let _statement = statement("permanent_deletions.erase");
    let (id, source_id) = match target {
        Target::Id(id) => (Some(id), None),
        Target::SourceId(source_id) => (None, Some(source_id)),
        Target::Unconfirmed(identifier) => {
            return erase_unconfirmed(connection, project, identifier, deletion_id, now).await;
        }
    };
    let row = sqlx::query!(
        r#"SELECT erased_customer_id AS "erased_customer_id!", events AS "events!", customer_events AS "customer_events!",
                  segments AS "segments!", orders AS "orders!", order_events AS "order_events!",
                  identifiers AS "identifiers!"
           FROM erase_customer($1, $2, $3, $4, $5)"#,
        project.0,
        id,
        source_id,
        deletion_id,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Erasure {
        deletion: PermanentDeletion {
            id: deletion_id.to_owned(),
            customer_id: row.erased_customer_id,
            created_at: now,
            counts: DeletionCounts {
                events: row.events,
                customer_events: row.customer_events,
                daily_events: 0,
                segments: row.segments,
                orders: row.orders,
                order_events: row.order_events,
            },
        },
        identifiers: row.identifiers,
    }))
}

async fn erase_unconfirmed(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &str,
    deletion_id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Erasure>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT erased_customer_id AS "erased_customer_id!", identifiers AS "identifiers!"
           FROM erase_unconfirmed_customer($1, $2, $3, $4)"#,
        project.0,
        identifier,
        deletion_id,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Erasure {
        deletion: PermanentDeletion {
            id: deletion_id.to_owned(),
            customer_id: row.erased_customer_id,
            created_at: now,
            counts: DeletionCounts::default(),
        },
        identifiers: row.identifiers,
    }))
}

/// A row of `permanent_deletions`.
#[derive(FromRow)]
struct Row {
    id: String,
    erased_customer_id: String,
    created_at: DateTime<Utc>,
    events: i64,
    customer_events: i64,
    daily_events: i64,
    segments: i64,
    orders: i64,
    order_events: i64,
    removed: JsonText,
}

impl From<Row> for RecordedDeletion {
    fn from(row: Row) -> Self {
        let Row {
            id,
            erased_customer_id,
            created_at,
            events,
            customer_events,
            daily_events,
            segments,
            orders,
            order_events,
            removed,
        } = row;
        let counts = DeletionCounts { events, customer_events, daily_events, segments, orders, order_events };
        Self { deletion: PermanentDeletion { id, customer_id: erased_customer_id, created_at, counts }, removed }
    }
}

/// Finds the record of an erasure.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<RecordedDeletion>, sqlx::Error> {
    let _statement = statement("permanent_deletions.find");
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, erased_customer_id, created_at, events, customer_events, daily_events, segments, orders, order_events,
                  removed AS "removed: JsonText"
           FROM permanent_deletions WHERE project_id = $1 AND id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(RecordedDeletion::from))
}

/// Lists one page of the records of erasures, newest first, and returns it with the number of all of them.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    project: ProjectId,
    page: Page,
) -> Result<(Vec<RecordedDeletion>, i64), sqlx::Error> {
    let _statement = statement("permanent_deletions.list");
    let push_matching = |query: &mut QueryBuilder<Postgres>| {
        query.push(" FROM permanent_deletions WHERE project_id = ").push_bind(project.0);
    };
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push(
            "SELECT id, erased_customer_id, created_at, events, customer_events, daily_events, segments, orders, order_events,
                    removed",
        );
        push_matching(query);
        query.push(" ORDER BY created_at DESC, id DESC");
    };
    let (rows, total): (Vec<Row>, i64) = ListQuery { page, has_cursor: false, row_count: None, has_filter: false }
        .fetch(connection, push_rows, push_matching)
        .await?;
    Ok((page.trim(rows).into_iter().map(RecordedDeletion::from).collect(), total))
}
