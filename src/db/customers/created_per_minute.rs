//! How many customers were created in each of the last minutes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Up to how many customers of one minute [`count_created_per_minute`] counts, so that an import of millions does not delay the answer.
pub const MAX_COUNTED_PER_MINUTE: i64 = 1_000;

/// Counts the customers that were created in each of so many minutes since `start`, but in each no more than one beyond
/// [`MAX_COUNTED_PER_MINUTE`]. Customers that were deleted softly since then are counted too, so that the number of rows that are read
/// has a bound. It reads the index alone.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_created_per_minute(
    connection: &mut PgConnection,
    project: ProjectId,
    start: DateTime<Utc>,
    minutes: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let _statement = statement("customers.count_created_per_minute");
    sqlx::query_scalar!(
        r#"SELECT (SELECT count(*)
                   FROM (SELECT 1 FROM customers
                         WHERE project_id = $1 AND created_at >= $2::timestamptz + minute * interval '1 minute'
                             AND created_at < $2::timestamptz + (minute + 1) * interval '1 minute'
                         ORDER BY created_at LIMIT $4) AS created) AS "count!"
           FROM generate_series(0, $3::bigint - 1) AS minute
           ORDER BY minute"#,
        project.0,
        start,
        minutes,
        MAX_COUNTED_PER_MINUTE + 1
    )
    .fetch_all(connection)
    .await
}
