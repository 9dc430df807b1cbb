//! Customers that wait for their confirmation.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::{JsonText, read_back};
use crate::domain::project::ProjectId;
use crate::domain::unconfirmed_customer::UnconfirmedCustomer;
use crate::trace::statement;

/// The row of an unconfirmed customer.
struct Row {
    id: String,
    source_id: Option<String>,
    patch: JsonText,
    requested_at: DateTime<Utc>,
}

impl From<Row> for UnconfirmedCustomer {
    fn from(row: Row) -> Self {
        let Row { id, source_id, patch, requested_at } = row;
        Self { id, source_id, patch: read_back(patch.as_str()).unwrap_or_default(), requested_at }
    }
}

/// Executes the statement that stores an unconfirmed customer, with the columns by which it replaces an earlier one.
macro_rules! save {
    ($connection:expr, $project:expr, $new:expr, $conflict:literal) => {
        sqlx::query_scalar!(
            "INSERT INTO unconfirmed_customers (project_id, id, source_id, email, patch, requested_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT "
                + $conflict
                + " DO UPDATE SET email = excluded.email, patch = excluded.patch, requested_at = excluded.requested_at
                  RETURNING id",
            $project.0,
            $new.id,
            $new.source_id,
            $new.email(),
            &JsonText::of(&$new.patch) as &JsonText,
            $new.requested_at
        )
        .fetch_one($connection)
        .await
    };
}

/// Stores an unconfirmed customer and returns its id. It replaces the one with the same source id or, when it has none,
/// the one without a source id and with the same e-mail address: that one keeps its id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &UnconfirmedCustomer,
) -> Result<String, sqlx::Error> {
    let _statement = statement("unconfirmed_customers.save");
    if new.source_id.is_some() {
        save!(connection, project, new, "(project_id, source_id)")
    } else {
        save!(connection, project, new, "(project_id, email) WHERE source_id IS NULL")
    }
}

/// Finds the unconfirmed customer with that id, unless it was sent before `expired_before`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    expired_before: DateTime<Utc>,
) -> Result<Option<UnconfirmedCustomer>, sqlx::Error> {
    let _statement = statement("unconfirmed_customers.find");
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, source_id, patch AS "patch: JsonText", requested_at FROM unconfirmed_customers
           WHERE project_id = $1 AND id = $2 AND requested_at >= $3"#,
        project.0,
        id,
        expired_before
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(UnconfirmedCustomer::from))
}

/// Deletes the unconfirmed customer with that id, and returns it as it was; `None` when there is none.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<UnconfirmedCustomer>, sqlx::Error> {
    let _statement = statement("unconfirmed_customers.delete");
    let row = sqlx::query_as!(
        Row,
        r#"DELETE FROM unconfirmed_customers WHERE project_id = $1 AND id = $2
           RETURNING id, source_id, patch AS "patch: JsonText", requested_at"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(UnconfirmedCustomer::from))
}

/// Deletes at most `limit` unconfirmed customers, of all projects, that were sent more than `days` ago by the clock of their project,
/// when the real time is `real_now`, and returns how many it deleted; with `scope`, only those of that project. It waits for no other transaction: a row that is locked stays until the next time.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_expired(
    connection: &mut PgConnection,
    real_now: DateTime<Utc>,
    days: i32,
    limit: i64,
    scope: Option<ProjectId>,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("unconfirmed_customers.delete_expired");
    let result = sqlx::query!(
        "WITH expired AS MATERIALIZED (
             SELECT old.* FROM projects p,
                 LATERAL (SELECT one.project_id, one.id, one.requested_at FROM unconfirmed_customers one
                          WHERE one.project_id = p.id AND p.snapshot_of IS NULL AND ($4::bigint IS NULL OR one.project_id = $4)
                              AND one.requested_at < project_time($1, p.clock_offset_micros, p.clock_frozen_at)
                                                     - make_interval(days => $3)
                          ORDER BY one.requested_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
             WHERE $4::bigint IS NULL OR p.id = $4
             LIMIT $2
         )
         DELETE FROM unconfirmed_customers u USING expired
         WHERE u.project_id = expired.project_id AND u.id = expired.id AND u.requested_at = expired.requested_at
             AND ($4::bigint IS NULL OR u.project_id = $4)",
        real_now,
        limit,
        days,
        scope.map(|project| project.0)
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(result.rows_affected()).unwrap_or(i64::MAX))
}
