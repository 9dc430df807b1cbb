//! How many customers were created in each of the last minutes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;

/// How many customers [`count_created_per_minute`] counts at most, so that an import of millions does not delay the answer.
pub const MAX_COUNTED_CREATIONS: i64 = 100_000;

/// Counts the customers that were created in each minute since `start`, as pairs of the number of the minute, from 0, and the count. Minutes
/// without a customer are missing. It reads the newest [`MAX_COUNTED_CREATIONS`] at most, from the index alone.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_created_per_minute(
    connection: &mut PgConnection,
    project: ProjectId,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT floor(extract(epoch FROM created_at - $2) / 60)::bigint AS "minute!", count(*) AS "count!"
           FROM (SELECT created_at FROM customers
                 WHERE project_id = $1 AND created_at >= $2 AND created_at < $3 AND deleted_at IS NULL
                 ORDER BY created_at DESC LIMIT $4) AS created
           GROUP BY 1"#,
        project.0,
        start,
        end,
        MAX_COUNTED_CREATIONS
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.minute, row.count)).collect())
}
