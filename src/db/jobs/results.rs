//! The results of jobs: files to download, and the records that failed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::columns::empty_if_all_none;
use crate::domain::job::ResultLine;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A part of the results of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultPart {
    /// Lines of the CSV file that can be downloaded.
    File,
    /// The JSON of each record that failed.
    Failed,
}

impl ResultPart {
    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Failed => "failed",
        }
    }
}

/// Inserts lines into a part, as its row `number`.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_lines(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    part: ResultPart,
    number: i64,
    lines: &[ResultLine],
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.insert_lines");
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    let column = |value: fn(&ResultLine) -> Option<&String>| {
        empty_if_all_none(lines.iter().map(|line| value(line).map(String::as_str)).collect())
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

/// Finds the first row of a part after the row `number`. Returns its number and its lines, or `None` when there is
/// none.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_next_lines(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    part: ResultPart,
    number: i64,
) -> Result<Option<(i64, Vec<String>)>, sqlx::Error> {
    let _statement = statement("jobs.find_next_lines");
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

/// Deletes the results that have expired by the clock of their project, when the real time is `real_now`; with `scope`, only
/// those of that project. It locks jobs before results, and both in the order of their keys.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_expired_results(
    connection: &mut PgConnection,
    real_now: DateTime<Utc>,
    scope: Option<ProjectId>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.delete_expired_results");
    sqlx::query!(
        "WITH expired AS MATERIALIZED (
             SELECT j.project_id, j.id
             FROM (SELECT id, project_time($1, clock_offset_micros, clock_frozen_at) AS now FROM projects
                   WHERE deleted_at IS NULL AND snapshot_of IS NULL AND ($2::bigint IS NULL OR id = $2) ORDER BY id) AS p,
                 LATERAL (SELECT one.project_id, one.id FROM jobs one
                          WHERE one.project_id = p.id AND one.expires_at <= p.now AND NOT one.results_removed
                              AND ($2::bigint IS NULL OR one.project_id = $2)
                          ORDER BY one.id FOR NO KEY UPDATE) AS j
         ),
         marked AS (
             UPDATE jobs j SET results_removed = true FROM expired
             WHERE j.project_id = expired.project_id AND j.id = expired.id AND ($2::bigint IS NULL OR j.project_id = $2)
         ),
         gone AS MATERIALIZED (
             SELECT r.* FROM expired,
                 LATERAL (SELECT one.project_id, one.job_id, one.part, one.number FROM job_results one
                          WHERE one.project_id = expired.project_id AND one.job_id = expired.id
                              AND ($2::bigint IS NULL OR one.project_id = $2)
                          ORDER BY one.part, one.number FOR UPDATE) AS r
         )
         DELETE FROM job_results r USING gone
         WHERE r.project_id = gone.project_id AND r.job_id = gone.job_id AND r.part = gone.part AND r.number = gone.number
             AND ($2::bigint IS NULL OR r.project_id = $2)",
        real_now,
        scope.map(|project| project.0)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the current snapshot of the database (`pg_snapshot`) as text. It shows which transactions have ended.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn current_snapshot(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let _statement = statement("jobs.current_snapshot");
    sqlx::query_scalar!(r#"SELECT pg_current_snapshot()::text AS "snapshot!""#).fetch_one(connection).await
}

/// Erases from the results the customers that were erased after `snapshot`. The caller holds the rules lock
/// exclusively, so that no customer is erased meanwhile.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn erase_customers_since(
    connection: &mut PgConnection,
    project: ProjectId,
    snapshot: &str,
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.erase_customers_since");
    let ids = sqlx::query_scalar!(
        "SELECT erased_customer_id FROM permanent_deletions
         WHERE project_id = $1 AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
             -- A larger number is a transaction of the database from which this one was restored.
             AND xid < pg_snapshot_xmax(pg_current_snapshot())",
        project.0,
        snapshot
    )
    .fetch_all(&mut *connection)
    .await?;
    // The function is called by a statement of its own, because Citus sends statements with tables to other servers.
    sqlx::query!(
        "SELECT erase_customer_from_job_results($1, id, '{}')::text AS done FROM unnest($2::text[]) AS id",
        project.0,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}
