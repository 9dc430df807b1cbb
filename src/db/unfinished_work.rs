//! Counts of the work of all projects that is not finished, for the metrics.

use sqlx::{Connection, Executor, PgConnection};

use crate::metrics::WorkSample;
use crate::trace::statement;

/// How many rows of one kind are counted at most, so that the count takes milliseconds whatever waits.
const MAX_COUNTED: i64 = 100_000;

/// Counts the unfinished jobs, and the deliveries that are pending or have failed, of all projects. Each count stops at
/// 100,000. The rows of snapshots are left out: they hold no unfinished work, only deliveries that have failed.
///
/// # Errors
/// Returns an error when the database query fails, also when it takes longer than a second.
pub async fn count(connection: &mut PgConnection) -> Result<WorkSample, sqlx::Error> {
    let _statement = statement("unfinished_work.count");
    let mut transaction = connection.begin().await?;
    transaction.execute("SET LOCAL statement_timeout = 1000").await?;
    // Each condition is that of a partial index. The first unfinished job of a project is in progress.
    let row = sqlx::query!(
        r#"WITH unfinished AS MATERIALIZED (SELECT project_id FROM jobs WHERE outcome IS NULL LIMIT $1)
           SELECT (SELECT count(*) FROM unfinished) AS "jobs!",
                  (SELECT count(DISTINCT project_id) FROM unfinished) AS "jobs_in_progress!",
                  (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE due_at IS NOT NULL LIMIT $1) AS pending)
                      AS "deliveries_pending!",
                  (SELECT count(*) FROM (SELECT project_id FROM webhook_deliveries WHERE outcome = 'FAILED' LIMIT $1) AS failed
                   WHERE NOT EXISTS (SELECT 1 FROM projects p WHERE p.id = failed.project_id AND p.snapshot_of IS NOT NULL))
                      AS "deliveries_failed!""#,
        MAX_COUNTED
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.rollback().await?;
    Ok(WorkSample {
        jobs_waiting: row.jobs - row.jobs_in_progress,
        jobs_in_progress: row.jobs_in_progress,
        deliveries_pending: row.deliveries_pending,
        deliveries_failed: row.deliveries_failed,
    })
}
