//! The number of rows of an unfiltered list.

use sqlx::PgConnection;

use crate::domain::project::ProjectId;

/// The resource name of the number of customers that are not deleted.
pub const CUSTOMERS: &str = "customers";
/// The resource name of the number of orders.
pub const ORDERS: &str = "orders";
/// The resource name of the number of segments. For the number of members of a segment, it is the id of the segment.
pub const SEGMENTS: &str = "segments";

/// Returns the number of rows of a resource of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn total(connection: &mut PgConnection, project: ProjectId, resource: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(value), 0)::bigint AS "total!" FROM row_counts WHERE project_id = $1 AND resource = $2"#,
        project.0,
        resource
    )
    .fetch_one(connection)
    .await
}
