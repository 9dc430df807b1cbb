//! The removal of old deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::domain::time_ordered_id;
use crate::trace::statement;

/// Deletes at most `limit` finished deliveries that are older than `days` by the clock of their project, when the real time is
/// `real_now`, and returns how many it deleted; with `scope`, only those of that project. It waits for no other transaction: a delivery that is locked stays until the next time.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_finished(
    connection: &mut PgConnection,
    real_now: DateTime<Utc>,
    days: i32,
    limit: i64,
    scope: Option<ProjectId>,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("webhook_deliveries.delete_finished");
    // The ids are in the order of time where the clock is real time, so the primary key finds the old rows.
    let id_before = time_ordered_id::lower_bound("whs_", real_now - TimeDelta::days(days.into()));
    let result = sqlx::query!(
        "WITH gone AS MATERIALIZED (
             SELECT old.* FROM webhooks w JOIN projects p ON p.id = w.project_id,
                 LATERAL (SELECT one.project_id, one.webhook_id, one.id FROM webhook_deliveries one
                          WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND p.snapshot_of IS NULL
                              AND ($5::bigint IS NULL OR one.project_id = $5)
                              AND one.id < CASE WHEN num_nonnulls(p.clock_offset_micros, p.clock_frozen_at) = 0
                                                THEN $1 ELSE 'whs_g' END
                              AND one.created_at < project_time($3, p.clock_offset_micros, p.clock_frozen_at)
                                                   - make_interval(days => $4)
                              AND one.due_at IS NULL
                          ORDER BY one.id LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
             WHERE $5::bigint IS NULL OR w.project_id = $5
             LIMIT $2
         )
         DELETE FROM webhook_deliveries d USING gone
         WHERE d.project_id = gone.project_id AND d.webhook_id = gone.webhook_id AND d.id = gone.id
             AND ($5::bigint IS NULL OR d.project_id = $5)",
        id_before,
        limit,
        real_now,
        days,
        scope.map(|project| project.0)
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(result.rows_affected()).unwrap_or(i64::MAX))
}
