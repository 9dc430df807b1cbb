//! The slices of jobs: the records that a job has still to process.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::columns::empty_if_all_none;
use super::results::{ResultPart, insert_lines};
use crate::domain::job::{CustomerIds, Record, Slice, SliceOutcome};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Inserts a slice. The job itself is inserted last, in the same transaction.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    slice: &Slice,
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.insert_slice");
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

/// Records as the array columns in which they are stored.
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
            empty_if_all_none(records.iter().map(|record| record.as_ref().and_then(value).cloned()).collect())
        };
        Self {
            records: records.iter().map(|record| record.as_ref().map(|record| record.json.clone())).collect(),
            customer_ids: column(|record| record.customer.id.as_ref()),
            source_ids: column(|record| record.customer.source_id.as_ref()),
            referrer_ids: column(|record| record.referrer.id.as_ref()),
            referrer_source_ids: column(|record| record.referrer.source_id.as_ref()),
        }
    }
}

/// Locks the next slice of a locked job and returns it. The erasure of a customer waits for this lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_first_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
) -> Result<Option<Slice>, sqlx::Error> {
    let _statement = statement("jobs.lock_first_slice");
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
        let mut take = |column: usize, index: usize| columns[column].get_mut(index).and_then(Option::take);
        let records = row.records.into_iter().enumerate().map(|(index, json)| {
            let customer = CustomerIds { id: take(0, index), source_id: take(1, index) };
            let referrer = CustomerIds { id: take(2, index), source_id: take(3, index) };
            json.map(|json| Record { json, customer, referrer })
        });
        Slice { number: row.number, records: records.collect() }
    }))
}

/// Deletes an applied slice of a locked job, stores its results and updates the counts of the job. Returns whether the job
/// is finished. With the last slice
/// the job is finished: its results stay until `expires_at`, and its parameters are cleared, because they may contain
/// data of customers.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn finish_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    slice: &Slice,
    outcome: &SliceOutcome,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("jobs.finish_slice");
    for (part, lines) in [(ResultPart::File, &outcome.file), (ResultPart::Failed, &outcome.failures)] {
        if !lines.is_empty() {
            insert_lines(connection, project, job_id, part, slice.number, lines).await?;
        }
    }
    let is_over = sqlx::query_scalar!(
        r#"WITH gone AS (
             DELETE FROM job_slices WHERE project_id = $1 AND job_id = $2 AND number = $3
         ),
         progress AS (
             SELECT NOT EXISTS (SELECT 1 FROM job_slices WHERE project_id = $1 AND job_id = $2 AND number > $3) AS is_over
         )
         UPDATE jobs
         SET processed_count = processed_count + $4, succeeded_count = succeeded_count + $5, failed_count = failed_count + $6, updated_at = $7,
             outcome = CASE WHEN is_over THEN 'DONE' END, expires_at = CASE WHEN is_over THEN $8::timestamptz END,
             parameters = CASE WHEN NOT is_over THEN parameters END
         FROM progress WHERE project_id = $1 AND id = $2
         RETURNING is_over AS "is_over!""#,
        project.0,
        job_id,
        slice.number,
        i64::try_from(slice.records.len()).unwrap_or_default(),
        outcome.done,
        outcome.failed,
        now,
        expires_at
    )
    .fetch_optional(connection)
    .await?;
    Ok(is_over.unwrap_or_default())
}

/// Replaces a slice that the database rejects as a whole by slices of one record each. Runs in a transaction of its
/// own, and does nothing when the slice no longer exists.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn split_slice(
    connection: &mut PgConnection,
    project: ProjectId,
    job_id: &str,
    number: i64,
) -> Result<(), sqlx::Error> {
    let _statement = statement("jobs.split_slice");
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
