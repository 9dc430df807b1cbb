//! How many rows an unfiltered list has.

use sqlx::PgConnection;

use crate::domain::project::ProjectId;

/// The total of the project's `resource`: `customers`, `orders`, `segments`, or the id of a segment for its members.
///
/// # Errors
/// When the database refuses.
pub async fn total(connection: &mut PgConnection, project: ProjectId, resource: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(value), 0)::bigint AS "total!" FROM row_counts WHERE project_id = $1 AND resource = $2"#,
        project.0,
        resource
    )
    .fetch_one(connection)
    .await
}
