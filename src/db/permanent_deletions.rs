//! The erasure of a customer.

use sqlx::PgConnection;

use crate::domain::deletion::{DeletionCounts, PermanentDeletion};
use crate::domain::project::ProjectId;

/// The customer to erase.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// By its id, softly deleted or not.
    Id(&'a str),
    /// By the source id of a customer that is not deleted.
    SourceId(&'a str),
    /// An unconfirmed customer, by its id, its source id or its e-mail address.
    Unconfirmed(&'a str),
}

/// What was erased.
#[derive(Clone, Debug)]
pub struct Erasure {
    pub deletion: PermanentDeletion,
    /// The id, source ids, e-mail address and telephone number of the customer, which are not stored any more.
    pub identifiers: Vec<String>,
}

/// Erases a customer: deletes it with everything that depends on it, records what was removed, and returns its
/// identifiers and the counts; `None`, with nothing changed, when there is no such customer. `deletion_id` and `now`
/// are stored in the record.
///
/// It takes one round trip: the SQL function `erase_customer` (in `functions/`) locks the customer and then removes
/// in one statement everything that is visible from that moment. `erase_unconfirmed_customer` erases an unconfirmed
/// customer, which nothing depends on.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn erase(
    connection: &mut PgConnection,
    project: ProjectId,
    target: Target<'_>,
    deletion_id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Erasure>, sqlx::Error> {
    let (id, source_id) = match target {
        Target::Id(id) => (Some(id), None),
        Target::SourceId(source_id) => (None, Some(source_id)),
        Target::Unconfirmed(identifier) => {
            return erase_unconfirmed(connection, project, identifier, deletion_id, now).await;
        }
    };
    let row = sqlx::query!(
        r#"SELECT erased_customer_id AS "erased_customer_id!", events AS "events!", customer_events AS "customer_events!",
                  segments AS "segments!", orders AS "orders!", order_events AS "order_events!",
                  identifiers AS "identifiers!"
           FROM erase_customer($1, $2, $3, $4, $5)"#,
        project.0,
        id,
        source_id,
        deletion_id,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Erasure {
        deletion: PermanentDeletion {
            id: deletion_id.to_owned(),
            customer_id: row.erased_customer_id,
            created_at: now,
            counts: DeletionCounts {
                events: row.events,
                customer_events: row.customer_events,
                daily_events: 0,
                segments: row.segments,
                orders: row.orders,
                order_events: row.order_events,
            },
        },
        identifiers: row.identifiers,
    }))
}

async fn erase_unconfirmed(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &str,
    deletion_id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Erasure>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT erased_customer_id AS "erased_customer_id!", identifiers AS "identifiers!"
           FROM erase_unconfirmed_customer($1, $2, $3, $4)"#,
        project.0,
        identifier,
        deletion_id,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Erasure {
        deletion: PermanentDeletion {
            id: deletion_id.to_owned(),
            customer_id: row.erased_customer_id,
            created_at: now,
            counts: DeletionCounts::default(),
        },
        identifiers: row.identifiers,
    }))
}
