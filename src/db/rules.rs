//! The version of a project's rules, and the rules lock that protects them: `migrations/0001_schema.sql` explains
//! both at the table `segments`.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row};

use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_time::JobRowTimes;
use crate::trace::statement;

/// What writers and readers of a project read first.
#[derive(Clone, Debug)]
pub struct ProjectState {
    /// The version of the rules. A change of the clock or of the seed increments it too.
    pub rules_version: i64,
    /// `None` until a job has written a row.
    pub job_rows: Option<JobRowTimes>,
    pub clock: ProjectClock,
    /// What identifiers are made from; `None` while they are random.
    pub identifier_seed: Option<String>,
}

/// The columns of `projects` that [`ProjectState`] is read from.
macro_rules! state_columns {
    () => {
        "rules_version, last_job_row_at, job_rows_written_at, clock_offset_micros, clock_frozen_at, identifier_seed"
    };
}

pub(super) use state_columns;

impl FromRow<'_, PgRow> for ProjectState {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (last, written_at): (Option<_>, Option<_>) =
            (row.try_get("last_job_row_at")?, row.try_get("job_rows_written_at")?);
        Ok(Self {
            rules_version: row.try_get("rules_version")?,
            job_rows: last.zip(written_at).map(|(last, written_at)| JobRowTimes { last, written_at }),
            clock: ProjectClock::from_stored(row.try_get("clock_offset_micros")?, row.try_get("clock_frozen_at")?),
            identifier_seed: row.try_get("identifier_seed")?,
        })
    }
}

/// Begins a transaction that holds the rules lock in shared mode, so that the rules do not change until it ends.
/// Returns it with the state of the project. It takes one round trip.
///
/// The statements contain the number of the project as text, because only statements without parameters can be sent
/// together.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_shared(pool: &Pool, project: ProjectId) -> Result<(Transaction, ProjectState), sqlx::Error> {
    let id = project.0;
    // The function is called also for a project that does not exist, because it raises the error.
    let statements = format!(
        "BEGIN; SELECT lock_rules_shared({id}) AS locked_version, {}
                FROM (SELECT) AS always LEFT JOIN projects ON id = {id}",
        state_columns!()
    );
    let (mut transaction, row) = pool.begin_with(project, AssertSqlSafe(statements)).await?;
    let state = ProjectState::from_row(&row)?;
    // The row is as it was before the lock was granted. If the lock had to be waited for, read what was committed meanwhile.
    if row.try_get::<i64, _>("locked_version")? == state.rules_version {
        return Ok((transaction, state));
    }
    let state = self::state(&mut transaction, project).await?;
    Ok((transaction, state))
}

/// Begins a transaction that holds the rules lock exclusively: it waits until the writers of the project have
/// committed, and further writers wait until it ends. Returns it with the state of the project. It takes one round trip.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_exclusive(pool: &Pool, project: ProjectId) -> Result<(Transaction, ProjectState), sqlx::Error> {
    let id = project.0;
    // Read the state in a statement of its own, which sees what was committed while the first one waited for the lock.
    let state = format!("SELECT {} FROM projects WHERE id = {id}", state_columns!());
    let statements = format!("BEGIN; SELECT lock_rules_exclusive({id}); {state}");
    let (transaction, row) = pool.begin_with(project, AssertSqlSafe(statements)).await?;
    Ok((transaction, ProjectState::from_row(&row)?))
}

/// Takes the rules lock exclusively for the rest of a transaction, as [`begin_exclusive`] does at its beginning.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_exclusive(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("rules.lock_exclusive");
    sqlx::query!("SELECT lock_rules_exclusive($1)", project.0).fetch_one(connection).await.map(drop)
}

/// Returns the current state of the project, without taking a lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn state(connection: &mut PgConnection, project: ProjectId) -> Result<ProjectState, sqlx::Error> {
    let _statement = statement("rules.state");
    sqlx::query_as(concat!("SELECT ", state_columns!(), " FROM projects WHERE id = $1 AND deleted_at IS NULL"))
        .bind(project.0)
        .fetch_one(connection)
        .await
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
    let _statement = statement("rules.set_job_row_times");
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
    let _statement = statement("rules.increment_version");
    sqlx::query!("UPDATE projects SET rules_version = rules_version + 1 WHERE id = $1", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
