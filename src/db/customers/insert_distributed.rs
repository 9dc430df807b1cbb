//! Inserting new customers where the tables are distributed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::new_customer::{NewRows, column};
use crate::db::activity::stored_channel;
use crate::db::webhook_deliveries::stored_trace;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Inserts the new customers of a project with their other rows and increments the row counts, and returns the ids of those that were
/// inserted. With `waits`, it waits for locks as [`insert`](super::insert()) does, and without, it inserts fewer customers instead.
/// The SQL function `insert_customers` (in `functions/`) does it, so that the server with the rows of the project inserts all of them.
pub(super) async fn insert_distributed(
    connection: &mut PgConnection,
    project: ProjectId,
    rows: &NewRows<'_>,
    waits: bool,
) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("customers.insert_distributed");
    sqlx::query_scalar!(
        r#"SELECT insert_customers(
               $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
               $27, $28, $29) AS "id!""#,
        project.0,
        waits,
        &rows.ids as &[&str],
        &rows.source_ids as &[Option<&str>],
        &rows.profiles as &[&str],
        &rows.metadata as &[Option<&str>],
        &rows.created,
        &rows.names as &[Option<&str>],
        &rows.emails as &[Option<&str>],
        &rows.cities as &[Option<&str>],
        &rows.rules_versions,
        &column(&rows.entries, |entry| entry.customer_id.as_str()) as &[&str],
        &column(&rows.entries, |entry| entry.id.as_str()) as &[&str],
        &column(&rows.entries, |entry| entry.kind.as_str()) as &[&str],
        &column(&rows.entries, |entry| entry.group_id.as_str()) as &[&str],
        &column(&rows.entries, |entry| &*entry.app_id) as &[&str],
        &column(&rows.entries, |entry| entry.data.as_str()) as &[&str],
        &column(&rows.entries, |entry| stored_channel(entry.channel)) as &[Option<&str>],
        &column(&rows.members, |(customer, _)| *customer) as &[&str],
        &column(&rows.members, |(_, segment)| *segment) as &[&str],
        &column(&rows.moments, |(customer, ..)| *customer) as &[&str],
        &column(&rows.moments, |(_, field, _)| *field) as &[&str],
        &column(&rows.moments, |(.., moment)| *moment) as &[DateTime<Utc>],
        &column(&rows.deliveries, |(delivery, _)| delivery.customer_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.webhook_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.entry_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(_, due_at)| *due_at) as &[DateTime<Utc>],
        &column(&rows.deliveries, |(delivery, _)| stored_trace(delivery)) as &[Option<String>]
    )
    .fetch_all(connection)
    .await
}
