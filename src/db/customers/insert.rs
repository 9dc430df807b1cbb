//! New customers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

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

/// Adds a customer with everything that goes with it, and counts it, in one statement. Nothing is done where a living customer
/// has the same source id, or where the rules are not of that version any more; then it is `false`.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, new: &NewCustomer) -> Result<bool, sqlx::Error> {
    let NewCustomer { customer, searched, entries, deliveries, segment_ids, moments, rules_version } = new;
    macro_rules! insert {
        ($entries_and_members:literal, $($argument:expr),*) => {
            sqlx::query!(
                "WITH customer AS (
                    INSERT INTO customers
                        (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
                    SELECT $1, $3, $4, $5, $6, $7, $7, $8, $9, $10 WHERE rules_version($1) = $2
                    ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
                    RETURNING id
                ), "
                    + $entries_and_members,
                project.0,
                *rules_version,
                customer.id,
                customer.source_id,
                &customer.profile as &JsonText,
                customer.metadata.as_ref() as Option<&JsonText>,
                customer.created_at,
                searched.name,
                searched.email,
                searched.city,
                $($argument),*
            )
            .execute(connection)
            .await?
        };
    }
    let counted = match &entries[..] {
        // Mostly there is only this to tell, which is worth a statement of its own.
        [entry] if segment_ids.is_empty() && moments.is_empty() && deliveries.is_empty() => insert!(
            "entry AS (
                 INSERT INTO customer_activity
                     (project_id, customer_id, id, type, group_id, app_id, data, created_at, channel)
                 SELECT $1, id, $11, $12, $13, $14, $15, $7, $16 FROM customer
             )
             INSERT INTO row_counts AS counts (project_id, resource, slot, value)
                 SELECT $1, 'customers', pg_backend_pid() % 64, 1 FROM customer
                 ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1",
            entry.id,
            entry.kind.as_str(),
            entry.group_id,
            entry.app_id.as_ref(),
            entry.data.as_str(),
            stored_channel(entry.channel)
        ),
        entries => {
            let (columns, sent) = (EntryColumns::of(entries), DeliveryColumns::of(deliveries));
            let (fields, times): (Vec<String>, Vec<DateTime<Utc>>) = moments.iter().cloned().unzip();
            insert!(
                "entry AS (
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
                     ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + 1",
                &columns.ids,
                &columns.types,
                &columns.groups,
                &columns.app_ids,
                &columns.data,
                segment_ids,
                &fields,
                &times,
                &columns.channels as &Vec<Option<String>>,
                &sent.ids,
                &sent.webhook_ids,
                &sent.entry_ids
            )
        }
    };
    Ok(counted.rows_affected() > 0)
}
