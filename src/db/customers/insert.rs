//! Inserting a customer.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;

use super::insert_distributed::insert_distributed;
use super::new_customer::{NewCustomer, NewRows};
use crate::db::activity::{EntryColumns, stored_channel};
use crate::db::webhook_deliveries::{DeliveryColumns, stored_trace};
use crate::domain::activity::ActivityEntry;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::webhook::NewDelivery;
use crate::trace::statement;

/// Executes the statement that inserts a customer. `$lock` takes the rules lock and returns the version of the rules.
/// `$parts` are the further parts of its text: common table expressions that insert the other rows, and the last
/// statement, which updates the row counts.
macro_rules! insert {
    ($connection:expr, $project:expr, $new:expr, $lock:literal, [$($parts:literal),*], $($argument:expr),*) => {
        sqlx::query!(
            "WITH customer AS (
                INSERT INTO customers
                    (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
                SELECT $1, $3, $4, $5, $6, $7, $7, $8, $9, $10 WHERE "
                + $lock
                + " = $2
                ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
                RETURNING id
            ), "
                $(+ $parts)*,
            $project.0,
            $new.rules_version,
            $new.customer.id,
            $new.customer.source_id,
            &$new.customer.profile as &JsonText,
            $new.customer.metadata.as_ref() as Option<&JsonText>,
            $new.customer.created_at,
            $new.indexed_fields.name,
            $new.indexed_fields.email,
            $new.indexed_fields.city,
            $($argument),*
        )
        .execute($connection)
        .await
    };
}

/// Executes the statement with one activity entry and with the common table expressions `$more`.
macro_rules! insert_with_one_entry {
    ($connection:expr, $project:expr, $new:expr, $lock:literal, $entry:expr, $more:literal $(, $argument:expr)*) => {
        insert!(
            $connection,
            $project,
            $new,
            $lock,
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

/// Inserts a customer with its other rows and increments the row counts, in one statement. Returns `false`, with
/// nothing inserted, when a customer that is not deleted has the same source id, or when the rules have another version by
/// now. The time of the new customer must be later than the rows of jobs.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
    is_distributed: bool,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("customers.insert");
    if is_distributed {
        let rows = NewRows::of(std::iter::once((project, new)));
        return Ok(!insert_distributed(connection, project, &rows, true).await?.is_empty());
    }
    let is_simple = new.segment_ids.is_empty() && new.moments.is_empty();
    // Use shorter statements for the two most frequent cases: one entry without a delivery, and one entry with one
    // delivery.
    let inserted = match (&new.entries[..], &new.deliveries[..]) {
        ([entry], []) if is_simple => insert_with_entry(connection, project, new, entry).await,
        ([entry], [delivery]) if is_simple => insert_with_delivery(connection, project, new, entry, delivery).await,
        _ => insert_with_all(connection, project, new).await,
    }?;
    Ok(inserted.rows_affected() > 0)
}

/// Does the same as [`insert`] for a simple customer, and also returns `false` when the rules lock is not free,
/// or when rows of a job show a time as late as that of the new customer.
pub(super) async fn try_insert(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("customers.try_insert");
    let Some(entry) = new.entries.first() else { return Ok(false) };
    let inserted = insert_with_one_entry!(connection, project, new, "try_lock_rules_shared($1, $7, $7)", entry, "")?;
    Ok(inserted.rows_affected() > 0)
}

async fn insert_with_entry(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
    entry: &ActivityEntry,
) -> Result<PgQueryResult, sqlx::Error> {
    insert_with_one_entry!(connection, project, new, "lock_rules_shared($1)", entry, "")
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
        "lock_rules_shared($1)",
        entry,
        ", delivery AS (
             INSERT INTO webhook_deliveries
                 (project_id, webhook_id, id, customer_id, entry_id, created_at, due_at, trace_context)
             SELECT $1, $17, $18, id, $11, $19, $19, $20 FROM customer
         )",
        delivery.webhook_id,
        delivery.id,
        new.due_at,
        stored_trace(delivery)
    )
}

async fn insert_with_all(
    connection: &mut PgConnection,
    project: ProjectId,
    new: &NewCustomer,
) -> Result<PgQueryResult, sqlx::Error> {
    let (columns, deliveries) = (EntryColumns::from_slice(&new.entries), DeliveryColumns::from_slice(&new.deliveries));
    let (fields, times): (Vec<String>, Vec<DateTime<Utc>>) = new.moments.iter().cloned().unzip();
    insert!(connection, project, new, "lock_rules_shared($1)",
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
                     INSERT INTO webhook_deliveries
                         (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at, trace_context)
                     SELECT $1, given.id, webhook_id, customer.id, entry_id, $23, $23, given.trace_context
                     FROM customer, unnest($20::text[], $21::text[], $22::text[], $24::text[])
                                        AS given (id, webhook_id, entry_id, trace_context)
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
                &deliveries.ids,
                &deliveries.webhook_ids,
                &deliveries.entry_ids,
                new.due_at,
                &deliveries.trace_contexts as &[Option<String>]
            )
}
