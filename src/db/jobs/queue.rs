//! The queue: how a job is inserted, locked and finished. `migrations/0001_schema.sql` explains how the queue works.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{Executor, PgConnection};

use super::find::count_unfinished;
use super::row::{JobRow, select_job};
use crate::db::pending_work::{self, WorkKind};
use crate::domain::job::{Job, JobAddress, JobType, NewJob};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::trace_context::TraceContext;
use crate::trace::statement;

/// New jobs and deletions of projects are announced on the channel with the name of the schema and this ending.
pub(in crate::db) const CHANNEL_ENDING: &str = "_jobs";

/// Inserts a job behind all others of its project, and wakes the workers when the transaction commits.
///
/// # Errors
/// Returns an error when the database query fails; [`sqlx::Error::RowNotFound`] when the project is deleted.
pub async fn insert(connection: &mut PgConnection, address: &JobAddress, job: &NewJob) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.insert");
    // The locks are held until the commit, so that the jobs of a project become visible in the order of their numbers, and so that the
    // row of the project is not deleted. Nothing is notified in a RETURNING clause, which Citus allows only for functions without an effect.
    let done = sqlx::query!(
        r#"WITH turn AS MATERIALIZED (
               SELECT pg_advisory_xact_lock(('jobs'::regclass::oid::bigint << 32) | ($1 & 4294967295)),
                      pg_notify(current_schema() || '_jobs', '')
               FROM projects WHERE id = $1 FOR KEY SHARE
           )
           INSERT INTO jobs
               (project_id, id, type, parameters, app_id, request_id, token, records, created_at, updated_at, trace_context)
           SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10 FROM turn"#,
        address.project.0,
        job.id,
        job.kind.as_str(),
        job.parameters.as_ref() as Option<&JsonText>,
        address.app_id.as_ref(),
        address.request_id,
        job.token,
        job.records,
        job.created_at,
        // The erasure of a customer removes its deliveries but not the job, so nothing is stored here that the caller can choose freely.
        address.trace.as_ref().map(|trace| trace.traceparent())
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 { Err(sqlx::Error::RowNotFound) } else { Ok(()) }
}

/// Wakes the workers of all emulators on the database when the transaction commits.
///
/// # Errors
/// Returns an error when the database query fails.
pub(in crate::db) async fn notify(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.notify");
    sqlx::query!("SELECT pg_notify(current_schema() || $1, '')::text AS notified", CHANNEL_ENDING)
        .fetch_one(connection)
        .await
        .map(drop)
}

/// Returns whether there is an unfinished job, or a deleted project whose rows still exist.
///
/// # Errors
/// Returns an error when the database query fails.
pub(super) async fn has_pending_work(connection: &mut PgConnection, is_distributed: bool) -> Result<bool, sqlx::Error> {
    let _statement = statement("jobs.has_pending_work");
    if is_distributed {
        let has_job = pending_work::exists(&mut *connection, WorkKind::Job).await?;
        return Ok(has_job || has_deleted_project(connection).await?);
    }
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM jobs WHERE outcome IS NULL)
                  OR EXISTS (SELECT 1 FROM projects WHERE deleted_at IS NOT NULL) AS "left!""#
    )
    .fetch_one(connection)
    .await
}

async fn has_deleted_project(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM projects WHERE deleted_at IS NOT NULL) AS "left!""#)
        .fetch_one(connection)
        .await
}

/// Finds a job that a worker can start: its type is one of `kinds`, it is the first unfinished job of its project, no
/// worker holds its lock, and its project is not one of `active`. Projects that are not in `recent` come first, then
/// those at the start of `recent`. The job is not locked when the function returns: [`try_lock`] does that.
///
/// Jobs of types that only a newer version of the program has are left to that version. With `scope`, only jobs of that project are
/// found, with statements that one server of a distributed database can answer.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_next(
    connection: &mut PgConnection,
    kinds: &[JobType],
    active: &[ProjectId],
    recent: &[ProjectId],
    scope: Option<ProjectId>,
) -> Result<Option<JobAddress>, sqlx::Error> {
    let _statement = statement("jobs.find_next");
    let numbers = |projects: &[ProjectId]| projects.iter().map(|project| project.0).collect::<Vec<_>>();
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    // Step through the index from the first job of one project to the first of the next, so that the number of waiting
    // jobs does not matter.
    let row = sqlx::query!(
        r#"WITH RECURSIVE first AS (
               (SELECT project_id, number FROM jobs WHERE outcome IS NULL AND ($4::bigint IS NULL OR project_id = $4)
                ORDER BY project_id, number LIMIT 1)
               UNION ALL
               SELECT next.project_id, next.number
               FROM first, LATERAL (
                   SELECT project_id, number FROM jobs
                   WHERE outcome IS NULL AND project_id > first.project_id AND ($4::bigint IS NULL OR project_id = $4)
                   ORDER BY project_id, number LIMIT 1
               ) AS next
           )
           SELECT j.project_id, j.id, j.type, j.app_id, j.request_id, j.trace_context
           FROM first JOIN jobs j ON j.project_id = first.project_id AND j.number = first.number
           WHERE j.outcome IS NULL AND j.type = ANY($1) AND first.project_id <> ALL($2)
               AND ($4::bigint IS NULL OR j.project_id = $4)
           ORDER BY coalesce(array_position($3::bigint[], first.project_id), 0), first.number
           LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED"#,
        &kinds,
        &numbers(active),
        &numbers(recent),
        scope.map(|project| project.0)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| {
        Some(JobAddress {
            project: ProjectId(row.project_id),
            id: row.id,
            kind: JobType::parse(&row.r#type)?,
            app_id: Arc::from(row.app_id),
            request_id: row.request_id,
            trace: row.trace_context.as_deref().and_then(TraceContext::from_stored).map(Arc::new),
        })
    }))
}

/// Does the same as [`find_next`] on a distributed database: it looks at the projects in `pending_work` one after the other, so that
/// servers without work are not asked.
///
/// # Errors
/// Returns an error when a database query fails.
pub async fn find_next_distributed(
    connection: &mut PgConnection,
    kinds: &[JobType],
    active: &[ProjectId],
    recent: &[ProjectId],
) -> Result<Option<JobAddress>, sqlx::Error> {
    let _statement = statement("jobs.find_next_distributed");
    let mut projects = pending_work::list(connection, WorkKind::Job).await?;
    projects.retain(|project| !active.contains(project));
    projects.sort_by_key(|project| recent.iter().position(|one| one == project).map_or(0, |place| place + 1));
    let mut idle = Vec::new();
    let mut found = None;
    for project in projects {
        found = find_next(connection, kinds, active, recent, Some(project)).await?;
        if found.is_some() {
            break;
        }
        if count_unfinished(connection, project).await? == 0 {
            idle.push((project, None));
        }
    }
    if !idle.is_empty() {
        pending_work::postpone(connection, WorkKind::Job, &idle).await?;
    }
    Ok(found)
}

/// Locks an unfinished job until the transaction ends. Returns `None` when another worker holds the lock, when the job
/// is finished, or when it is not the first unfinished job of its project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn try_lock(connection: &mut PgConnection, address: &JobAddress) -> Result<Option<Job>, sqlx::Error> {
    let _statement = statement("jobs.try_lock");
    let row = select_job!(
        "WHERE j.project_id = $1 AND j.id = $2 AND j.outcome IS NULL FOR NO KEY UPDATE OF j SKIP LOCKED",
        address.project.0,
        address.id
    )
    .fetch_optional(connection)
    .await?;
    // A job that is not the first one must wait for the earlier ones.
    Ok(row.filter(|row| row.is_first).and_then(JobRow::into_job))
}

/// Removes the time limit of the statements of this transaction. It is for a job that is one statement over a whole
/// project, because no client waits for the end of such a statement.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn disable_statement_timeout(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.disable_statement_timeout");
    connection.execute("SET LOCAL statement_timeout = 0").await?;
    Ok(())
}

/// Finishes a locked job that has no slices.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn finish(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    succeeded: i64,
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.finish");
    sqlx::query!(
        "UPDATE jobs SET outcome = 'DONE', succeeded_count = $3, processed_count = records, updated_at = $4, expires_at = $5,
             parameters = CASE WHEN type = 'EXPORT' THEN parameters END
         WHERE project_id = $1 AND id = $2",
        project.0,
        job_id,
        succeeded,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a failed attempt at a job without slices. The job has failed when `max_attempts` is reached. Its parameters
/// are cleared then, except those of an export, which are part of its representation. Returns whether the job has failed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn fail_attempt(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    max_attempts: i32,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("jobs.fail_attempt");
    let has_failed = sqlx::query_scalar!(
        r#"UPDATE jobs SET attempts = attempts + 1, updated_at = $4,
             outcome = CASE WHEN attempts + 1 >= $3 THEN 'FAILED' END,
             expires_at = CASE WHEN attempts + 1 >= $3 AND type <> 'EXPORT' THEN $5::timestamptz END,
             parameters = CASE WHEN attempts + 1 < $3 OR type = 'EXPORT' THEN parameters END
         WHERE project_id = $1 AND id = $2 AND outcome IS NULL
         RETURNING outcome IS NOT NULL AS "has_failed!""#,
        project.0,
        job_id,
        max_attempts,
        now,
        expires_at
    )
    .fetch_optional(connection)
    .await?;
    Ok(has_failed.unwrap_or_default())
}
