//! The queue: how a job is accepted, taken, and brought forward. `migrations/0006_jobs.sql` says how it holds together.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{Executor, PgConnection};

use super::results::{Part, add_lines};
use super::{JobRow, select_job};
use crate::domain::job::{Job, JobAddress, JobType, NewJob, PersonName, Record, Slice, SliceOutcome};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;

/// What the acceptance of a job is announced on, and the deletion of a project.
pub(in crate::db) const CHANNEL: &str = "voucherify_emulator_jobs";

/// Adds what a job has to go through. The job itself is accepted last, in the same transaction.
///
/// # Errors
/// When the database refuses.
pub async fn insert_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    slice: &Slice,
) -> Result<(), sqlx::Error> {
    let columns = RecordColumns::of(&slice.records);
    sqlx::query!(
        "INSERT INTO job_slices
             (project_id, job_id, number, records, customer_ids, source_ids, referrer_ids, referrer_source_ids)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        project.0,
        job_id,
        slice.number,
        &columns.records as &[Option<String>],
        &columns.customer_ids as &[Option<String>],
        &columns.source_ids as &[Option<String>],
        &columns.referrer_ids as &[Option<String>],
        &columns.referrer_source_ids as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records, column by column, as they are stored.
struct RecordColumns {
    records: Vec<Option<String>>,
    customer_ids: Vec<Option<String>>,
    source_ids: Vec<Option<String>>,
    referrer_ids: Vec<Option<String>>,
    referrer_source_ids: Vec<Option<String>>,
}

impl RecordColumns {
    fn of(records: &[Option<Record>]) -> Self {
        let column = |value: fn(&Record) -> Option<&String>| {
            none_if_empty(records.iter().map(|record| record.as_ref().and_then(value).cloned()).collect())
        };
        Self {
            records: records.iter().map(|record| record.as_ref().map(|record| record.json.clone())).collect(),
            customer_ids: column(|record| record.person.id.as_ref()),
            source_ids: column(|record| record.person.source_id.as_ref()),
            referrer_ids: column(|record| record.referrer.id.as_ref()),
            referrer_source_ids: column(|record| record.referrer.source_id.as_ref()),
        }
    }
}

/// A column in which nobody is named is stored as none at all.
pub(super) fn none_if_empty<T>(column: Vec<Option<T>>) -> Vec<Option<T>> {
    if column.iter().all(Option::is_none) { Vec::new() } else { column }
}

/// Accepts a job, behind all others of its project, and wakes the workers when the transaction commits.
///
/// # Errors
/// When the database refuses.
pub async fn accept(connection: &mut PgConnection, address: &JobAddress, job: &NewJob) -> Result<(), sqlx::Error> {
    // Numbers of a project are given one at a time and until the commit, so that they are seen in their order.
    sqlx::query!(
        r#"WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(8683000000000000 + $1))
           INSERT INTO jobs (project_id, id, type, parameters, app_id, request_id, token, records, created_at, updated_at)
           SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9 FROM turn
           RETURNING pg_notify($10, '')::text AS notified"#,
        address.project.0,
        job.id,
        job.kind.as_str(),
        job.parameters.as_ref() as Option<&JsonText>,
        address.app_id.as_ref(),
        address.request_id,
        job.token,
        job.records,
        job.created_at,
        CHANNEL
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Whether any job is not finished, or any deleted project not gone.
///
/// # Errors
/// When the database refuses.
pub(super) async fn is_work_left(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM jobs WHERE outcome IS NULL)
                  OR EXISTS (SELECT FROM projects WHERE deleted_at IS NOT NULL) AS "left!""#
    )
    .fetch_one(connection)
    .await
}

/// A job of one of `kinds` that is the first of its project and that no worker has, of a project that has no turn `now`: one that had none
/// `before`, or whose turn was longest ago. To look takes no hold of it: [`claim`] does. Types that only a newer program knows
/// are left to it.
///
/// # Errors
/// When the database refuses.
pub async fn peek(
    connection: &mut PgConnection,
    kinds: &[JobType],
    now: &[ProjectId],
    before: &[ProjectId],
) -> Result<Option<JobAddress>, sqlx::Error> {
    let numbers = |projects: &[ProjectId]| projects.iter().map(|project| project.0).collect::<Vec<_>>();
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    // From the first of one project to the first of the next by the index, however many wait behind them.
    let row = sqlx::query!(
        r#"WITH RECURSIVE first AS (
               (SELECT project_id, number FROM jobs WHERE outcome IS NULL ORDER BY project_id, number LIMIT 1)
               UNION ALL
               SELECT next.project_id, next.number
               FROM first, LATERAL (
                   SELECT project_id, number FROM jobs WHERE outcome IS NULL AND project_id > first.project_id
                   ORDER BY project_id, number LIMIT 1
               ) AS next
           )
           SELECT j.project_id, j.id, j.type, j.app_id, j.request_id
           FROM first JOIN jobs j ON j.project_id = first.project_id AND j.number = first.number
           WHERE j.outcome IS NULL AND j.type = ANY($1) AND first.project_id <> ALL($2)
           ORDER BY coalesce(array_position($3::bigint[], first.project_id), 0), first.number
           LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED"#,
        &kinds,
        &numbers(now),
        &numbers(before)
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
        })
    }))
}

/// Takes a job until the transaction ends; `None` where another worker has it, or it is finished.
///
/// # Errors
/// When the database refuses.
pub async fn claim(connection: &mut PgConnection, address: &JobAddress) -> Result<Option<Job>, sqlx::Error> {
    let row = select_job!(
        "WHERE j.project_id = $1 AND j.id = $2 AND j.outcome IS NULL FOR NO KEY UPDATE OF j SKIP LOCKED",
        address.project.0,
        address.id
    )
    .fetch_optional(connection)
    .await?;
    // Locked without being the first, it would overtake.
    Ok(row.filter(|row| row.is_first).and_then(JobRow::known))
}

/// The next slice of a claimed job, locked: whoever forgets a person of it waits.
///
/// # Errors
/// When the database refuses.
pub async fn first_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
) -> Result<Option<Slice>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT number, records AS "records: Vec<Option<String>>", customer_ids AS "customer_ids: Vec<Option<String>>",
                  source_ids AS "source_ids: Vec<Option<String>>", referrer_ids AS "referrer_ids: Vec<Option<String>>",
                  referrer_source_ids AS "referrer_source_ids: Vec<Option<String>>"
           FROM job_slices WHERE project_id = $1 AND job_id = $2 ORDER BY number LIMIT 1 FOR UPDATE"#,
        project.0,
        job_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        let mut columns = [row.customer_ids, row.source_ids, row.referrer_ids, row.referrer_source_ids];
        let mut take = |column: usize, place: usize| columns[column].get_mut(place).and_then(Option::take);
        let records = row.records.into_iter().enumerate().map(|(place, json)| {
            let person = PersonName { id: take(0, place), source_id: take(1, place) };
            let referrer = PersonName { id: take(2, place), source_id: take(3, place) };
            json.map(|json| Record { json, person, referrer })
        });
        Slice { number: row.number, records: records.collect() }
    }))
}

/// Removes an applied slice of a claimed job, keeps what there is to tell of it, and counts it; with the last one the job is
/// finished, its results stay until `expires_at`, and its parameters, which may tell of people, go.
///
/// # Errors
/// When the database refuses.
pub async fn finish_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    slice: &Slice,
    outcome: &SliceOutcome,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    for (part, lines) in [(Part::File, &outcome.file), (Part::Failed, &outcome.failures)] {
        if !lines.is_empty() {
            add_lines(connection, project, job_id, part, slice.number, lines).await?;
        }
    }
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM job_slices WHERE project_id = $1 AND job_id = $2 AND number = $3
         ),
         progress AS (
             SELECT NOT EXISTS (SELECT FROM job_slices WHERE project_id = $1 AND job_id = $2 AND number > $3) AS is_over
         )
         UPDATE jobs
         SET gone_through = gone_through + $4, done_count = done_count + $5, failed_count = failed_count + $6, updated_at = $7,
             outcome = CASE WHEN is_over THEN 'DONE' END, expires_at = CASE WHEN is_over THEN $8::timestamptz END,
             parameters = CASE WHEN NOT is_over THEN parameters END
         FROM progress WHERE project_id = $1 AND id = $2",
        project.0,
        job_id,
        slice.number,
        i64::try_from(slice.records.len()).unwrap_or_default(),
        outcome.done,
        outcome.failed,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts slices of one record each in the place of one that the database refuses as a whole, in a transaction of its own.
/// Nothing is done where it is gone meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn split_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    number: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH whole AS (
             DELETE FROM job_slices WHERE project_id = $1 AND job_id = $2 AND number = $3 RETURNING *
         ),
         single AS (
             SELECT place, record, customer_id, source_id, referrer_id, referrer_source_id
             FROM whole, unnest(records, customer_ids, source_ids, referrer_ids, referrer_source_ids) WITH ORDINALITY
                 AS one (record, customer_id, source_id, referrer_id, referrer_source_id, place)
         )
         INSERT INTO job_slices
             (project_id, job_id, number, records, customer_ids, source_ids, referrer_ids, referrer_source_ids)
         SELECT $1, $2, $3 + place - 1, ARRAY[record], ARRAY[customer_id], ARRAY[source_id], ARRAY[referrer_id],
                ARRAY[referrer_source_id]
         FROM single",
        project.0,
        job_id,
        number
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets the statements of this transaction take as long as they take: a job that is one statement over a whole project has
/// nobody waiting for its answer.
///
/// # Errors
/// When the database refuses.
pub async fn take_time(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET LOCAL statement_timeout = 0").await?;
    Ok(())
}

/// Finishes a claimed job that has no slices.
///
/// # Errors
/// When the database refuses.
pub async fn finish(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    done: i64,
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs SET outcome = 'DONE', done_count = $3, gone_through = records, updated_at = $4, expires_at = $5,
             parameters = CASE type WHEN 'EXPORT' THEN parameters END
         WHERE project_id = $1 AND id = $2",
        project.0,
        job_id,
        done,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts an attempt at a job that failed as a whole; with the `last`, the job has failed. The parameters of an export are part
/// of what it shows; others go.
///
/// # Errors
/// When the database refuses.
pub async fn fail_attempt(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    last: i32,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs SET attempts = attempts + 1, updated_at = $4,
             outcome = CASE WHEN attempts + 1 >= $3 THEN 'FAILED' END,
             expires_at = CASE WHEN attempts + 1 >= $3 AND type <> 'EXPORT' THEN $5::timestamptz END,
             parameters = CASE WHEN attempts + 1 < $3 OR type = 'EXPORT' THEN parameters END
         WHERE project_id = $1 AND id = $2 AND outcome IS NULL",
        project.0,
        job_id,
        last,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}
