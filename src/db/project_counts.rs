//! How many objects of each kind a project has.

use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::domain::project_counts::ProjectCounts;
use crate::trace::statement;

/// Counts the objects of a project. No writer of the project may run meanwhile.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count(connection: &mut PgConnection, project: ProjectId) -> Result<ProjectCounts, sqlx::Error> {
    let _statement = statement("project_counts.count");
    // The totals of the lists of customers and orders are stored, so that their rows need not be counted.
    sqlx::query_as!(
        ProjectCounts,
        r#"SELECT (SELECT coalesce(sum(value), 0)::bigint FROM row_counts WHERE project_id = $1 AND resource = 'customers')
                      AS "customers!",
                  (SELECT coalesce(sum(value), 0)::bigint FROM row_counts WHERE project_id = $1 AND resource = 'orders')
                      AS "orders!",
                  (SELECT count(*) FROM custom_events WHERE project_id = $1) AS "events!",
                  (SELECT count(*) FROM segments WHERE project_id = $1) AS "segments!",
                  (SELECT count(*) FROM consents WHERE project_id = $1) AS "consents!",
                  (SELECT count(*) FROM consent_groups WHERE project_id = $1) AS "consent_groups!",
                  (SELECT count(*) FROM metadata_schemas WHERE project_id = $1) AS "metadata_schemas!",
                  (SELECT count(*) FROM custom_event_schemas WHERE project_id = $1) AS "event_schemas!",
                  (SELECT count(*) FROM webhooks WHERE project_id = $1 AND deleted_at IS NULL) AS "webhooks!",
                  (SELECT count(*) FROM jobs WHERE project_id = $1 AND type <> 'EXPORT') AS "jobs!",
                  (SELECT count(*) FROM jobs WHERE project_id = $1 AND type = 'EXPORT') AS "exports!",
                  (SELECT count(*) FROM webhook_deliveries WHERE project_id = $1) AS "deliveries!",
                  (SELECT count(*) FROM customer_activity WHERE project_id = $1) AS "activity!",
                  (SELECT count(*) FROM unconfirmed_customers WHERE project_id = $1) AS "unconfirmed_customers!",
                  (SELECT count(*) FROM permanent_deletions WHERE project_id = $1) AS "permanent_deletions!""#,
        project.0
    )
    .fetch_one(connection)
    .await
}

/// Up to how many rows [`count_bounded`] counts.
pub const MAX_COUNTED: i64 = 1_000;

/// Counts the objects of a project, but of each kind no more than one beyond [`MAX_COUNTED`], so that the answer does not take longer for a
/// large project. Customers and orders are exact.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_bounded(connection: &mut PgConnection, project: ProjectId) -> Result<ProjectCounts, sqlx::Error> {
    let _statement = statement("project_counts.count_bounded");
    sqlx::query_as!(
        ProjectCounts,
        r#"SELECT (SELECT coalesce(sum(value), 0)::bigint FROM row_counts WHERE project_id = $1 AND resource = 'customers')
                      AS "customers!",
                  (SELECT coalesce(sum(value), 0)::bigint FROM row_counts WHERE project_id = $1 AND resource = 'orders')
                      AS "orders!",
                  (SELECT count(*) FROM (SELECT 1 FROM custom_events WHERE project_id = $1 LIMIT $2) counted) AS "events!",
                  (SELECT count(*) FROM (SELECT 1 FROM segments WHERE project_id = $1 LIMIT $2) counted) AS "segments!",
                  (SELECT count(*) FROM (SELECT 1 FROM consents WHERE project_id = $1 LIMIT $2) counted) AS "consents!",
                  (SELECT count(*) FROM (SELECT 1 FROM consent_groups WHERE project_id = $1 LIMIT $2) counted)
                      AS "consent_groups!",
                  (SELECT count(*) FROM (SELECT 1 FROM metadata_schemas WHERE project_id = $1 LIMIT $2) counted)
                      AS "metadata_schemas!",
                  (SELECT count(*) FROM (SELECT 1 FROM custom_event_schemas WHERE project_id = $1 LIMIT $2) counted)
                      AS "event_schemas!",
                  (SELECT count(*) FROM (SELECT 1 FROM webhooks WHERE project_id = $1 AND deleted_at IS NULL LIMIT $2) counted)
                      AS "webhooks!",
                  (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE project_id = $1 AND type <> 'EXPORT' LIMIT $2) counted)
                      AS "jobs!",
                  (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE project_id = $1 AND type = 'EXPORT' LIMIT $2) counted)
                      AS "exports!",
                  (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE project_id = $1 LIMIT $2) counted)
                      AS "deliveries!",
                  (SELECT count(*) FROM (SELECT 1 FROM customer_activity WHERE project_id = $1 LIMIT $2) counted)
                      AS "activity!",
                  (SELECT count(*) FROM (SELECT 1 FROM unconfirmed_customers WHERE project_id = $1 LIMIT $2) counted)
                      AS "unconfirmed_customers!",
                  (SELECT count(*) FROM (SELECT 1 FROM permanent_deletions WHERE project_id = $1 LIMIT $2) counted)
                      AS "permanent_deletions!""#,
        project.0,
        MAX_COUNTED + 1
    )
    .fetch_one(connection)
    .await
}
