//! The row of a job, as every query of this module reads it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder};

use crate::domain::job::{Job, JobStatus, JobType};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;

/// Adds the columns of [`JobRow`], from the jobs `j` of the project.
pub(super) fn push_columns(query: &mut QueryBuilder<Postgres>, project: ProjectId) {
    query.push(
        "j.id, j.type, j.parameters, j.app_id, j.request_id, j.token, j.records, j.processed_count, j.succeeded_count, \
         j.failed_count, j.attempts, j.outcome, j.created_at, j.updated_at, j.expires_at, \
         NOT EXISTS (SELECT 1 FROM jobs e WHERE e.project_id = ",
    );
    query.push_bind(project.0).push(" AND e.outcome IS NULL AND e.number < j.number) AS is_first");
}

/// A row of `jobs`. `is_first` is whether the project has no unfinished job that arrived earlier.
#[derive(FromRow)]
pub(super) struct JobRow {
    pub(super) id: String,
    pub(super) r#type: String,
    pub(super) parameters: Option<JsonText>,
    pub(super) app_id: String,
    pub(super) request_id: String,
    pub(super) token: String,
    pub(super) records: i64,
    pub(super) processed_count: i64,
    pub(super) succeeded_count: i64,
    pub(super) failed_count: i64,
    pub(super) attempts: i32,
    pub(super) outcome: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) is_first: bool,
}

impl JobRow {
    /// Returns the job, or `None` when only a newer version of the program has its type.
    pub(super) fn into_job(self) -> Option<Job> {
        let Self {
            id,
            r#type,
            parameters,
            app_id,
            request_id,
            token,
            records,
            processed_count,
            succeeded_count,
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
            processed_count,
            succeeded_count,
            failed_count,
            attempts,
            created_at,
            updated_at,
            expires_at,
        })
    }
}

/// Selects the columns of [`JobRow`] from the jobs `j`, with the rest of the statement from `WHERE` or a join on. `$1` is the number of the
/// project.
macro_rules! select_job {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            JobRow,
            r#"SELECT j.id, j.type, j.parameters AS "parameters: JsonText", j.app_id, j.request_id, j.token, j.records,
                      j.processed_count, j.succeeded_count, j.failed_count, j.attempts, j.outcome, j.created_at, j.updated_at,
                      j.expires_at,
                      NOT EXISTS (SELECT 1 FROM jobs e WHERE e.project_id = $1 AND e.outcome IS NULL
                                  AND e.number < j.number) AS "is_first!"
               FROM jobs j "# + $tail,
            $($argument),*
        )
    };
}
pub(super) use select_job;
