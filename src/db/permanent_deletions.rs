//! The cascade that forgets a person.

use sqlx::PgConnection;

use crate::domain::deletion::{DeletionCounts, PermanentDeletion};
use crate::domain::project::ProjectId;

/// Who is to be forgotten.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// By the id, softly deleted or not.
    Id(&'a str),
    /// By the source id of a living customer.
    SourceId(&'a str),
}

/// Removes a customer with everything in [`HANGS_ON_A_CUSTOMER`](crate::domain::deletion::HANGS_ON_A_CUSTOMER), records
/// what was removed, and returns the `cust_` id and the counts; `None`, with nothing done, where there is no such
/// customer. `deletion_id` and `now` are those of the record.
///
/// One statement, so one round trip. A row that another transaction connects with the customer meanwhile makes the foreign
/// key refuse the statement; done again, it sees that row and removes it.
///
/// # Errors
/// When the database refuses; a foreign key error in the case above.
pub async fn forget(
    connection: &mut PgConnection,
    project: ProjectId,
    target: Target<'_>,
    deletion_id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<PermanentDeletion>, sqlx::Error> {
    let (id, source_id) = match target {
        Target::Id(id) => (Some(id), None),
        Target::SourceId(source_id) => (None, Some(source_id)),
    };
    let row = sqlx::query!(
        r#"WITH target AS MATERIALIZED (
               SELECT id, deleted_at FROM customers
               WHERE project_id = $1 AND (id = $2 OR source_id = $3 AND deleted_at IS NULL)
               FOR UPDATE
           ),
           gone_orders AS (
               DELETE FROM orders USING target
               WHERE orders.project_id = $1 AND orders.customer_id = target.id RETURNING 1
           ),
           cleared_orders AS (
               UPDATE orders SET referrer_id = NULL FROM target
               WHERE orders.project_id = $1 AND orders.referrer_id = target.id
                   AND orders.customer_id IS DISTINCT FROM target.id
           ),
           gone_events AS (
               DELETE FROM custom_events USING target
               WHERE custom_events.project_id = $1 AND custom_events.customer_id = target.id RETURNING 1
           ),
           gone_activity AS (
               DELETE FROM customer_activity USING target
               WHERE customer_activity.project_id = $1 AND customer_activity.customer_id = target.id
               RETURNING starts_with(customer_activity.type, 'customer.order.') AS concerns_order
           ),
           cleared_activity AS (
               UPDATE customer_activity SET referrer_id = NULL, referrer = NULL FROM target
               WHERE customer_activity.project_id = $1 AND customer_activity.referrer_id = target.id
                   AND customer_activity.customer_id <> target.id
           ),
           gone_members AS (
               DELETE FROM segment_members USING target
               WHERE segment_members.project_id = $1 AND segment_members.customer_id = target.id RETURNING 1
           ),
           gone_consents AS (
               DELETE FROM customer_consents USING target
               WHERE customer_consents.project_id = $1 AND customer_consents.customer_id = target.id
           ),
           gone_customer AS (
               DELETE FROM customers USING target WHERE customers.project_id = $1 AND customers.id = target.id
           ),
           counts AS (
               SELECT (SELECT count(*) FROM gone_events) AS events,
                      (SELECT count(*) FROM gone_activity WHERE NOT concerns_order) AS customer_events,
                      (SELECT count(*) FROM gone_members) AS segments,
                      (SELECT count(*) FROM gone_orders) AS orders,
                      (SELECT count(*) FROM gone_activity WHERE concerns_order) AS order_events
           ),
           uncounted AS (
               INSERT INTO row_counts AS held (project_id, resource, slot, value)
               SELECT $1, gone.resource, pg_backend_pid() % 64, -gone.value
               FROM target, counts,
                   LATERAL (VALUES ('customers', CASE WHEN target.deleted_at IS NULL THEN 1 ELSE 0 END),
                                   ('orders', counts.orders)) AS gone (resource, value)
               WHERE gone.value > 0
               ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = held.value + excluded.value
           ),
           record AS (
               INSERT INTO permanent_deletions (project_id, id, forgotten_id, created_at, events, customer_events,
                                                daily_events, segments, orders, order_events)
               SELECT $1, $4, target.id, $5, events, customer_events, 0, segments, orders, order_events
               FROM target, counts
           )
           SELECT target.id, events AS "events!", customer_events AS "customer_events!", segments AS "segments!",
                  orders AS "orders!", order_events AS "order_events!"
           FROM target, counts"#,
        project.0,
        id,
        source_id,
        deletion_id,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| PermanentDeletion {
        id: deletion_id.to_owned(),
        customer_id: row.id,
        created_at: now,
        counts: DeletionCounts {
            events: row.events,
            customer_events: row.customer_events,
            daily_events: 0,
            segments: row.segments,
            orders: row.orders,
            order_events: row.order_events,
        },
    }))
}
