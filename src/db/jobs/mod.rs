//! Background work: jobs, the slices that they have still to go through, and what they leave behind.

mod listener;
mod queue;
mod results;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::job::{Job, JobStatus, JobType};
use crate::domain::json::JsonText;
use crate::domain::page::{Direction, Page};
use crate::domain::project::ProjectId;

pub use listener::{Listener, Word};
pub(super) use queue::CHANNEL;
pub use queue::{
    accept, claim, fail_attempt, finish, finish_slice, first_slice, insert_slice, peek, split_slice, take_time,
};
pub use results::{Part, add_lines, expire, forget_since, lines, snapshot};

/// A row of `jobs`, and whether no unfinished job of its project came before it.
struct JobRow {
    id: String,
    r#type: String,
    parameters: Option<JsonText>,
    app_id: String,
    request_id: String,
    token: String,
    records: i64,
    gone_through: i64,
    done_count: i64,
    failed_count: i64,
    attempts: i32,
    outcome: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    is_first: bool,
}

impl JobRow {
    /// The job; `None` of a type that only a newer program knows.
    fn known(self) -> Option<Job> {
        let Self {
            id,
            r#type,
            parameters,
            app_id,
            request_id,
            token,
            records,
            gone_through,
            done_count,
            failed_count,
            attempts,
            outcome,
            created_at,
            updated_at,
            expires_at,
            is_first,
        } = self;
        let status = match outcome.as_deref() {
            Some("DONE") => JobStatus::Done,
            Some(_) => JobStatus::Failed,
            None if is_first => JobStatus::InProgress,
            None => JobStatus::Waiting,
        };
        Some(Job {
            id,
            kind: JobType::parse(&r#type)?,
            status,
            parameters,
            app_id: Arc::from(app_id),
            request_id,
            token,
            records,
            gone_through,
            done_count,
            failed_count,
            attempts,
            created_at,
            updated_at,
            expires_at,
        })
    }
}

/// The columns of [`JobRow`] from the jobs `j` that `$tail` chooses.
macro_rules! select_job {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            JobRow,
            r#"SELECT j.id, j.type, j.parameters AS "parameters: JsonText", j.app_id, j.request_id, j.token, j.records,
                      j.gone_through, j.done_count, j.failed_count, j.attempts, j.outcome, j.created_at, j.updated_at,
                      j.expires_at,
                      NOT EXISTS (SELECT FROM jobs e WHERE e.project_id = j.project_id AND e.outcome IS NULL
                                  AND e.number < j.number) AS "is_first!"
               FROM jobs j "# + $tail,
            $($argument),*
        )
    };
}
use select_job;

/// The job with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Job>, sqlx::Error> {
    let row = select_job!("WHERE j.project_id = $1 AND j.id = $2", project.0, id).fetch_optional(connection).await?;
    Ok(row.and_then(JobRow::known))
}

/// Async actions, newest first: those from before `before`, one more than `limit` where there are more.
///
/// # Errors
/// When the database refuses.
pub async fn async_actions(
    connection: &mut PgConnection,
    project: ProjectId,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Job>, sqlx::Error> {
    let rows = select_job!(
        "WHERE j.project_id = $1 AND j.type <> 'EXPORT' AND j.created_at < coalesce($2, 'infinity'::timestamptz)
         ORDER BY j.created_at DESC, j.id DESC LIMIT $3",
        project.0,
        before,
        limit + 1
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(JobRow::known).collect())
}

/// What a list of exports is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportSort {
    CreatedAt,
    /// The name of the status; those of the same are sorted by their arrival.
    Status,
}

/// A page of exports, and the number of all.
///
/// # Errors
/// When the database refuses.
pub async fn exports(
    connection: &mut PgConnection,
    project: ProjectId,
    sort: ExportSort,
    direction: Direction,
    page: Page,
) -> Result<(Vec<Job>, i64), sqlx::Error> {
    let is_descending = direction == Direction::Descending;
    let rows = match sort {
        ExportSort::CreatedAt if is_descending => select_job!(
            "WHERE j.project_id = $1 AND j.type = 'EXPORT' ORDER BY j.created_at DESC, j.id DESC LIMIT $2 OFFSET $3",
            project.0,
            page.limit,
            page.offset()
        )
        .fetch_all(&mut *connection)
        .await?,
        ExportSort::CreatedAt => {
            select_job!(
                "WHERE j.project_id = $1 AND j.type = 'EXPORT' ORDER BY j.created_at, j.id LIMIT $2 OFFSET $3",
                project.0,
                page.limit,
                page.offset()
            )
            .fetch_all(&mut *connection)
            .await?
        }
        ExportSort::Status => {
            select_job!(
                "CROSS JOIN LATERAL (SELECT CASE
                     WHEN j.outcome = 'DONE' THEN 'DONE' WHEN j.outcome = 'FAILED' THEN 'ERROR'
                     WHEN EXISTS (SELECT FROM jobs e WHERE e.project_id = j.project_id AND e.outcome IS NULL
                                  AND e.number < j.number) THEN 'SCHEDULED'
                     ELSE 'IN_PROGRESS' END COLLATE \"C\" AS status) AS shown
                 WHERE j.project_id = $1 AND j.type = 'EXPORT'
                 ORDER BY CASE WHEN $4 THEN shown.status END DESC, CASE WHEN NOT $4 THEN shown.status END,
                          CASE WHEN $4 THEN j.number END DESC, CASE WHEN NOT $4 THEN j.number END
                 LIMIT $2 OFFSET $3",
                project.0,
                page.limit,
                page.offset(),
                is_descending
            )
            .fetch_all(&mut *connection)
            .await?
        }
    };
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM jobs WHERE project_id = $1 AND type = 'EXPORT'"#,
        project.0
    )
    .fetch_one(connection)
    .await?;
    Ok((rows.into_iter().filter_map(JobRow::known).collect(), total))
}

/// What came of the deletion of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportDeletion {
    Done,
    Unknown,
    /// A worker has it.
    Held,
}

/// Removes an export with everything of it, unless a worker has it.
///
/// # Errors
/// When the database refuses.
pub async fn delete_export(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<ExportDeletion, sqlx::Error> {
    let is_free = sqlx::query_scalar!(
        r#"WITH free AS (
               SELECT FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT' FOR UPDATE SKIP LOCKED
           ),
           gone AS (
               DELETE FROM jobs WHERE project_id = $1 AND id = $2 AND EXISTS (SELECT FROM free)
           )
           SELECT EXISTS (SELECT FROM free) AS "is_free!" FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT'"#,
        project.0,
        id
    )
    .fetch_optional(&mut *connection)
    .await?;
    match is_free {
        None => return Ok(ExportDeletion::Unknown),
        Some(false) => return Ok(ExportDeletion::Held),
        Some(true) => {}
    }
    // A statement of its own, which sees what a worker has left until it let the job go.
    sqlx::query!("DELETE FROM job_results WHERE project_id = $1 AND job_id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(ExportDeletion::Done)
}

/// How many jobs of the project are not finished.
///
/// # Errors
/// When the database refuses.
pub async fn unfinished(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM jobs WHERE project_id = $1 AND outcome IS NULL"#, project.0)
        .fetch_one(connection)
        .await
}
