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
/// One round trip: the database's function `forget_customer` first locks the customer, and then removes in one statement
/// what it sees from then on. It is in `migrations/`, where a later table is added to it by a new version.
///
/// # Errors
/// When the database refuses.
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
        r#"SELECT forgotten_id AS "forgotten_id!", events AS "events!", customer_events AS "customer_events!",
                  segments AS "segments!", orders AS "orders!", order_events AS "order_events!"
           FROM forget_customer($1, $2, $3, $4, $5)"#,
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
        customer_id: row.forgotten_id,
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
