//! What jobs leave behind: files to download, and the records that failed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::queue::none_if_empty;
use crate::domain::job::ResultLine;
use crate::domain::project::ProjectId;

/// A part of what a job leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Lines of the CSV file that can be downloaded.
    File,
    /// JSON of each record that failed.
    Failed,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Failed => "failed",
        }
    }
}

/// Adds lines to a part, behind those of lower numbers.
///
/// # Errors
/// When the database refuses.
pub async fn add_lines(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    part: Part,
    number: i64,
    lines: &[ResultLine],
) -> Result<(), sqlx::Error> {
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    let column = |value: fn(&ResultLine) -> Option<&String>| {
        none_if_empty(lines.iter().map(|line| value(line).map(String::as_str)).collect())
    };
    sqlx::query!(
        "INSERT INTO job_results (project_id, job_id, part, number, lines, customer_ids, source_ids, referrer_ids)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        project.0,
        job_id,
        part.as_str(),
        number,
        &texts as &[&str],
        &column(|line| line.customer_id.as_ref()) as &[Option<&str>],
        &column(|line| line.source_id.as_ref()) as &[Option<&str>],
        &column(|line| line.referrer_id.as_ref()) as &[Option<&str>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The next lines of a part behind `number`, and the number to go on behind; `None` where there are no more.
///
/// # Errors
/// When the database refuses.
pub async fn lines(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    part: Part,
    number: i64,
) -> Result<Option<(i64, Vec<String>)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT number, lines AS "lines: Vec<Option<String>>" FROM job_results
           WHERE project_id = $1 AND job_id = $2 AND part = $3 AND number > $4 ORDER BY number LIMIT 1"#,
        project.0,
        job_id,
        part.as_str(),
        number
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.number, row.lines.into_iter().flatten().collect())))
}

/// Removes the results whose time is over.
///
/// # Errors
/// When the database refuses.
pub async fn expire(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH expired AS (
             UPDATE jobs j SET is_cleared = true FROM projects p
             WHERE j.project_id = p.id AND j.expires_at <= $1 AND NOT j.is_cleared
             RETURNING j.project_id, j.id
         )
         DELETE FROM job_results r USING expired WHERE r.project_id = expired.project_id AND r.job_id = expired.id",
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which transactions are over now, as PostgreSQL writes it.
///
/// # Errors
/// When the database refuses.
pub async fn snapshot(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_current_snapshot()::text AS "snapshot!""#).fetch_one(connection).await
}

/// Takes everyone out of results who was forgotten since `snapshot`, under the exclusive rules lock: nobody is being forgotten
/// meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn forget_since(
    connection: &mut PgConnection,
    project: ProjectId,
    snapshot: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT forget_in_results(project_id, forgotten_id, '{}')::text AS done FROM permanent_deletions
           WHERE project_id = $1 AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
               -- Of a transaction of the database that this one was restored from.
               AND xid < pg_snapshot_xmax(pg_current_snapshot())"#,
        project.0,
        snapshot
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}
