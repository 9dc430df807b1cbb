//! What is computed from the objects of a project: the statements for all of them at once.
//!
//! Where they look up customers, the number of the project comes from a subquery, so that its statistics, which are not of this
//! moment, do not matter: PostgreSQL would search each customer of a project that it assumes to be empty in all of its rows.

use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Computes and stores the order summaries of all customers that have orders or had some. Customers whose summary does not
/// change are not written.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn refresh_all_order_summaries(
    connection: &mut PgConnection,
    project: ProjectId,
    scope: Option<ProjectId>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.refresh_all_order_summaries");
    sqlx::query!(
        "WITH counted AS MATERIALIZED (
             SELECT customer_id AS id, count(*) AS count,
                    greatest(least(sum(amount), 9007199254740991), -9007199254740991)::bigint AS amount,
                    (array_agg(amount ORDER BY created_at DESC, id DESC))[1] AS last_amount, max(created_at) AS last_at
             FROM orders
             WHERE project_id = $1 AND customer_id IS NOT NULL AND status IN ('PAID', 'FULFILLED')
             GROUP BY customer_id
         ),
         -- These two sets have no customer in common.
         given AS (
             SELECT * FROM counted
             UNION ALL
             SELECT id, 0, 0, 0, NULL FROM customers
             WHERE project_id = $1 AND orders_count > 0 AND id NOT IN (SELECT id FROM counted)
         )
         UPDATE customers
         SET orders_count = given.count, orders_amount = given.amount, last_order_amount = given.last_amount,
             last_order_at = given.last_at
         FROM given CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
         WHERE customers.project_id = wanted.project_id AND ($2::bigint IS NULL OR customers.project_id = $2)
             AND customers.id = given.id
             AND (orders_count, orders_amount, last_order_amount, last_order_at)
                 IS DISTINCT FROM (given.count, given.amount, given.last_amount, given.last_at)",
        project.0,
        scope.map(|project| project.0)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the custom events of all customers by their names.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn recount_events(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("state.recount_events");
    sqlx::query!("DELETE FROM customer_event_counts WHERE project_id = $1", project.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO customer_event_counts (project_id, customer_id, type, count)
         SELECT project_id, customer_id, type, count(*) FROM custom_events WHERE project_id = $1
         GROUP BY project_id, customer_id, type",
        project.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Copies the time of creation of customers to their memberships, where it has changed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn refresh_member_times(
    connection: &mut PgConnection,
    project: ProjectId,
    scope: Option<ProjectId>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.refresh_member_times");
    sqlx::query!(
        "UPDATE segment_members SET customer_created_at = customers.created_at
         FROM customers CROSS JOIN (SELECT $1::bigint AS project_id OFFSET 0) wanted
         WHERE segment_members.project_id = $1 AND customers.project_id = wanted.project_id
             AND ($2::bigint IS NULL OR customers.project_id = $2)
             AND customers.id = segment_members.customer_id
             AND segment_members.customer_created_at <> customers.created_at",
        project.0,
        scope.map(|project| project.0)
    )
    .execute(connection)
    .await?;
    Ok(())
}
