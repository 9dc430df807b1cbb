//! The version of a project's rules, and the rules lock that protects them: `migrations/0001_schema.sql` explains
//! both at the table `segments`.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;
use crate::domain::project_time::JobRowTimes;

/// What writers and readers of a project read first.
#[derive(Clone, Copy, Debug)]
pub struct ProjectState {
    /// The version of the rules.
    pub rules_version: i64,
    /// `None` until a job has written a row.
    pub job_rows: Option<JobRowTimes>,
}

impl ProjectState {
    pub(super) fn new(rules_version: i64, last: Option<DateTime<Utc>>, written_at: Option<DateTime<Utc>>) -> Self {
        let job_rows = last.zip(written_at).map(|(last, written_at)| JobRowTimes { last, written_at });
        Self { rules_version, job_rows }
    }
}

/// Begins a transaction that holds the rules lock in shared mode, so that the rules do not change until it ends.
/// Returns it with the state of the project. It takes one round trip.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_shared(pool: &Pool, project: ProjectId) -> Result<(Transaction, ProjectState), sqlx::Error> {
    let id = project.0;
    // The function is called also for a project that does not exist, because it raises the error.
    let state = format!(
        "SELECT lock_rules_shared({id}), last_job_row_at, job_rows_written_at
         FROM (SELECT) AS always LEFT JOIN projects ON id = {id}"
    );
    begin(pool, project, format!("BEGIN; {state}")).await
}

/// Begins a transaction that holds the rules lock exclusively: it waits until the writers of the project have
/// committed, and further writers wait until it ends. Returns it with the state of the project. It takes one round trip.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_exclusive(pool: &Pool, project: ProjectId) -> Result<(Transaction, ProjectState), sqlx::Error> {
    let id = project.0;
    // Read the state in a statement of its own, which sees what was committed while the first one waited for the lock.
    let state = format!("SELECT rules_version, last_job_row_at, job_rows_written_at FROM projects WHERE id = {id}");
    begin(pool, project, format!("BEGIN; SELECT lock_rules_exclusive({id}); {state}")).await
}

/// The statements contain the number of the project as text, because only statements without parameters can be sent
/// together.
async fn begin(
    pool: &Pool,
    project: ProjectId,
    statements: String,
) -> Result<(Transaction, ProjectState), sqlx::Error> {
    let (transaction, row) = pool.begin_with(project, AssertSqlSafe(statements)).await?;
    Ok((transaction, ProjectState::new(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
}

/// Takes the rules lock exclusively for the rest of a transaction, as [`begin_exclusive`] does at its beginning.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_exclusive(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT lock_rules_exclusive($1)", project.0).fetch_one(connection).await.map(drop)
}

/// Returns the current state of the project, without taking a lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn state(connection: &mut PgConnection, project: ProjectId) -> Result<ProjectState, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT rules_version, last_job_row_at, job_rows_written_at FROM projects WHERE id = $1 AND deleted_at IS NULL",
        project.0
    )
    .fetch_one(connection)
    .await?;
    Ok(ProjectState::new(row.rules_version, row.last_job_row_at, row.job_rows_written_at))
}

/// Stores the times of the rows that a job has written.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn set_job_row_times(
    connection: &mut PgConnection,
    project: ProjectId,
    times: JobRowTimes,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE projects SET last_job_row_at = $2, job_rows_written_at = $3 WHERE id = $1",
        project.0,
        times.last,
        times.written_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Increments the version in a transaction of [`begin_exclusive`], which makes every process load the rules again.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn increment_version(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE projects SET rules_version = rules_version + 1 WHERE id = $1", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
