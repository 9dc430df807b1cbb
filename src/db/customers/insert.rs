//! New customers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;

use crate::db::activity::{EntryColumns, stored_channel};
use crate::db::webhook_deliveries::DeliveryColumns;
use crate::domain::activity::ActivityEntry;
use crate::domain::customer::{Customer, Searched};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::webhook::NewDelivery;

/// A customer to add, with everything that goes with it.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    pub customer: Customer,
    pub searched: Searched,
    /// The first tells that it was created.
    pub entries: Vec<ActivityEntry>,
    /// What webhooks are told of that.
    pub deliveries: Vec<NewDelivery>,
    /// The filtered segments that it enters.
    pub segment_ids: Vec<String>,
    /// What their filters compare with the time: fields and moments.
    pub moments: Vec<(String, DateTime<Utc>)>,
    /// Of the rules by which the segments were found.
    pub rules_version: i64,
}

/// The statement that adds a customer, with what is to be added beside: CTEs, and the last statement, which counts. In pieces.
macro_rules! insert {
    ($connection:expr, $project:expr, $new:expr, [$($beside:literal),*], $($argument:expr),*) => {
        sqlx::query!(
            "WITH customer AS (
                INSERT INTO customers
                    (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
                SELECT $1, $3, $4, $5, $6, $7, $7, $8, $9, $10 WHERE rules_version($1) = $2
                ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
                RETURNING id
            ), "
                $(+ $beside)*,
            $project.0,
            $new.rules_version,
            $new.customer.id,
            $new.customer.source_id,
            &$new.customer.profile as &JsonText,
            $new.customer.metadata.as_ref() as Option<&JsonText>,
            $new.customer.created_at,
            $new.searched.name,
            $new.searched.email,
            $new.searched.city,
            $($argument),*
        )
        .execute($connection)
        .await
    };
}

/// [`insert`], with one entry and what `$more` adds.
macro_rules! insert_with_one_entry {
    ($connection:expr, $project:expr, $new:expr, $entry:expr, $more:literal $(, $argument:expr)*) => {
        insert!(
            $connection,
            $project,
            $new,
            [
                "entry AS (
                     INSERT INTO customer_activity
                         (project_id, customer_id, id, type, group_id, app_id, data, created_at, channel)
                     SELECT $1, id, $11, $12, $13, $14, $15, $7, $16 FROM customer
                 )",
                $more,
                " INSERT INTO row_counts AS counts (project_id, resource, slot, value)
                  SELECT $1, 'customers', pg_backend_pid() % 64, 1 FROM customer
                  ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1"
            ],
            $entry.id,
            $entry.kind.as_str(),
            $entry.group_id,
            $entry.app_id.as_ref(),
            $entry.data.as_str(),
            stored_channel($entry.channel)
            $(, $argument)*
        )
    };
}

/// Adds a customer with everything that goes with it, and counts it, in one statement. Nothing is done where a living customer
/// has the same source id, or where the rules are not of that version any more; then it is `false`.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, new: &NewCustomer) -> Result<bool, sqlx::Error> {
    let is_simple = new.segment_ids.is_empty() && new.moments.is_empty();
    // Mostly there is only this to tell, which is worth a statement of its own; and so is one webhook that is told.
    let counted = match (&new.entries[..], &new.deliveries[..]) {
        ([entry], []) if is_simple => insert_with_entry(connection, project, new, entry).await,
        ([entry], [delivery]) if is_simple => insert_with_delivery(connection, project, new, entry, delivery).await,
        _ => insert_with_all(connection, project, new).await,
    }?;
    Ok(counted.rows_affected() > 0)
}

async fn insert_with_entry(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
    entry: &ActivityEntry,
) -> Result<PgQueryResult, sqlx::Error> {
    insert_with_one_entry!(connection, project, new, entry, "")
}

async fn insert_with_delivery(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
    entry: &ActivityEntry,
    delivery: &NewDelivery,
) -> Result<PgQueryResult, sqlx::Error> {
    insert_with_one_entry!(
        connection,
        project,
        new,
        entry,
        ", delivery AS (
             INSERT INTO webhook_deliveries (project_id, webhook_id, id, customer_id, entry_id, created_at, due_at)
             SELECT $1, $17, $18, id, $11, $7, $7 FROM customer
         )",
        delivery.webhook_id,
        delivery.id
    )
}

async fn insert_with_all(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
) -> Result<PgQueryResult, sqlx::Error> {
    let (columns, sent) = (EntryColumns::of(&new.entries), DeliveryColumns::of(&new.deliveries));
    let (fields, times): (Vec<String>, Vec<DateTime<Utc>>) = new.moments.iter().cloned().unzip();
    insert!(connection, project, new,
                ["entry AS (
                     INSERT INTO customer_activity
                         (project_id, customer_id, id, type, group_id, app_id, data, created_at, channel)
                     SELECT $1, customer.id, entry.id, entry.type, entry.group_id, entry.app_id, entry.data, $7, entry.channel
                     FROM customer,
                          unnest($11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $19::text[])
                              AS entry (id, type, group_id, app_id, data, channel)
                 ),
                 member AS (
                     INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
                     SELECT $1, segment_id, customer.id, $7 FROM customer, unnest($16::text[]) AS segment_id
                 ),
                 delivery AS (
                     INSERT INTO webhook_deliveries (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at)
                     SELECT $1, given.id, webhook_id, customer.id, entry_id, $7, $7
                     FROM customer, unnest($20::text[], $21::text[], $22::text[]) AS given (id, webhook_id, entry_id)
                 ),
                 moment AS (
                     INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
                     SELECT $1, customer.id, field, moment, extract(month FROM moment AT TIME ZONE 'UTC')::int * 100
                            + extract(day FROM moment AT TIME ZONE 'UTC')::int
                     FROM customer, unnest($17::text[], $18::timestamptz[]) AS given (field, moment)
                 )
                 INSERT INTO row_counts AS counts (project_id, resource, slot, value)
                 SELECT $1, resource, pg_backend_pid() % 64, 1
                     FROM customer, unnest('customers'::text || $16::text[]) AS resource
                     ORDER BY resource COLLATE \"C\"
                     ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1"],
                &columns.ids,
                &columns.types,
                &columns.groups,
                &columns.app_ids,
                &columns.data,
                &new.segment_ids,
                &fields,
                &times,
                &columns.channels as &Vec<Option<String>>,
                &sent.ids,
                &sent.webhook_ids,
                &sent.entry_ids
            )
}
