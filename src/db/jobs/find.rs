//! Queries of jobs for requests.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::row::{JobRow, select_job};
use crate::domain::job::Job;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Finds a job by its id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Job>, sqlx::Error> {
    let _statement = statement("jobs.find");
    let row = select_job!("WHERE j.project_id = $1 AND j.id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.and_then(JobRow::into_job))
}

/// Lists async actions, newest first, that were created before `before`: at most `limit + 1` of them, so that the
/// caller sees whether there are more.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_async_actions(
    connection: &mut PgConnection,
    project: ProjectId,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Job>, sqlx::Error> {
    let _statement = statement("jobs.list_async_actions");
    let rows = select_job!(
        "WHERE j.project_id = $1 AND j.type <> 'EXPORT' AND j.created_at < coalesce($2, 'infinity'::timestamptz)
         ORDER BY j.created_at DESC, j.id DESC LIMIT $3",
        project.0,
        before,
        limit + 1
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(JobRow::into_job).collect())
}

/// Counts the unfinished jobs of a project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_unfinished(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    let _statement = statement("jobs.count_unfinished");
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM jobs WHERE project_id = $1 AND outcome IS NULL"#, project.0)
        .fetch_one(connection)
        .await
}
