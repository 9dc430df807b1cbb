//! Inserting the new customers of many requests.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::insert::try_insert;
use super::insert_distributed::insert_distributed;
use super::new_customer::{NewCustomer, NewRows, column};
use crate::db::activity::stored_channel;
use crate::db::batch_queue::BatchStatement;
use crate::db::error::is_conflict;
use crate::db::webhook_deliveries::stored_trace;
use crate::domain::project::ProjectId;

/// Inserts the new customer of each request, as [`insert`](super::insert()) does. The answer is whether it was inserted. A customer is also
/// not inserted when the statement would have to wait for a lock: the caller then inserts it alone, and waits alone.
#[derive(Debug)]
pub struct InsertCustomers;

impl BatchStatement for InsertCustomers {
    type Request = (ProjectId, NewCustomer);
    type Answer = bool;
    const NAME: &'static str = "customers.insert";

    fn project((project, _): &(ProjectId, NewCustomer)) -> Option<ProjectId> {
        Some(*project)
    }

    async fn run(
        connection: &mut PgConnection,
        requests: &[(ProjectId, NewCustomer)],
        is_distributed: bool,
    ) -> Result<Vec<bool>, sqlx::Error> {
        let inserted = match requests {
            [(project, new)] if new.is_simple() && !is_distributed => {
                try_insert(connection, *project, new).await.map(|inserted| vec![inserted])
            }
            requests => insert_each(connection, requests, is_distributed).await,
        };
        match inserted {
            Err(error) if is_conflict(&error) => Ok(vec![false; requests.len()]),
            inserted => inserted,
        }
    }
}

/// Executes the statement that inserts the customers. `$more` are the common table expressions that insert the rows which only some
/// new customers have, and `$resources` selects the further resources to count.
macro_rules! insert_each {
    ($connection:expr, $rows:expr, $more:literal, $resources:literal $(, $argument:expr)*) => {
        sqlx::query_scalar!(
            r#"WITH given AS MATERIALIZED (
                   SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                                        $7::text[], $8::text[], $9::text[], $10::bigint[])
                       AS given (project_id, id, source_id, profile, metadata, created_at, name, email, city,
                                 rules_version)
               ),
               -- Always in the same order, so that two of these statements cannot deadlock.
               project AS MATERIALIZED (
                   SELECT id, try_lock_rules_shared(id, first_time, last_time) AS rules_version
                   FROM (
                       SELECT project_id AS id, min(created_at) AS first_time, max(created_at) AS last_time
                       FROM given GROUP BY project_id ORDER BY project_id
                   ) AS sorted
               ),
               customer AS (
                   INSERT INTO customers
                       (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
                   SELECT project_id, given.id, source_id, profile::json, metadata::json, created_at, created_at, name,
                          email, city
                   FROM given JOIN project ON project.id = project_id AND project.rules_version = given.rules_version
                   ORDER BY project_id, source_id
                   ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
                   RETURNING project_id, id, created_at
               ),
               entry AS (
                   INSERT INTO customer_activity
                       (project_id, customer_id, id, type, group_id, app_id, data, created_at, channel)
                   SELECT project_id, customer.id, entry.id, type, group_id, app_id, data, created_at, channel
                   FROM unnest($11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
                            AS entry (customer_id, id, type, group_id, app_id, data, channel)
                       JOIN customer ON customer.id = customer_id
               ), "#
                + $more
                + r#"counted AS (
                   INSERT INTO row_counts AS counts (project_id, resource, slot, value)
                   SELECT project_id, resource, pg_backend_pid() % 64, count(*)
                   FROM (SELECT project_id, 'customers' AS resource FROM customer "#
                + $resources
                + r#") AS added
                   GROUP BY project_id, resource
                   ORDER BY project_id, resource COLLATE "C"
                   ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value
               )
               SELECT id FROM customer"#,
            &$rows.projects,
            &$rows.ids as &[&str],
            &$rows.source_ids as &[Option<&str>],
            &$rows.profiles as &[&str],
            &$rows.metadata as &[Option<&str>],
            &$rows.created,
            &$rows.names as &[Option<&str>],
            &$rows.emails as &[Option<&str>],
            &$rows.cities as &[Option<&str>],
            &$rows.rules_versions,
            &column(&$rows.entries, |entry| entry.customer_id.as_str()) as &[&str],
            &column(&$rows.entries, |entry| entry.id.as_str()) as &[&str],
            &column(&$rows.entries, |entry| entry.kind.as_str()) as &[&str],
            &column(&$rows.entries, |entry| entry.group_id.as_str()) as &[&str],
            &column(&$rows.entries, |entry| &*entry.app_id) as &[&str],
            &column(&$rows.entries, |entry| entry.data.as_str()) as &[&str],
            &column(&$rows.entries, |entry| stored_channel(entry.channel)) as &[Option<&str>]
            $(, $argument)*
        )
        .fetch_all($connection)
        .await
    };
}

async fn insert_each(
    connection: &mut PgConnection,
    requests: &[(ProjectId, NewCustomer)],
    is_distributed: bool,
) -> Result<Vec<bool>, sqlx::Error> {
    let rows = NewRows::of(requests.iter().map(|(project, new)| (*project, new)));
    // A statement with fewer parts takes less time, and most customers need only these.
    let inserted = if let (true, Some((project, _))) = (is_distributed, requests.first()) {
        insert_distributed(connection, *project, &rows, false).await
    } else if requests.iter().all(|(_, new)| new.is_simple()) {
        insert_each!(connection, rows, "", "")
    } else {
        insert_each_with_all(connection, &rows).await
    }?;
    let inserted: HashSet<&str> = inserted.iter().map(String::as_str).collect();
    Ok(rows.ids.iter().map(|id| inserted.contains(id)).collect())
}

async fn insert_each_with_all(connection: &mut PgConnection, rows: &NewRows<'_>) -> Result<Vec<String>, sqlx::Error> {
    insert_each!(
        connection,
        rows,
        "member AS (
             INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
             SELECT project_id, segment_id, customer.id, created_at
             FROM unnest($18::text[], $19::text[]) AS member (customer_id, segment_id)
                 JOIN customer ON customer.id = customer_id
             RETURNING project_id, segment_id
         ),
         moment AS (
             INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
             SELECT project_id, customer.id, field, moment, extract(month FROM moment AT TIME ZONE 'UTC')::int * 100
                    + extract(day FROM moment AT TIME ZONE 'UTC')::int
             FROM unnest($20::text[], $21::text[], $22::timestamptz[]) AS moment (customer_id, field, moment)
                 JOIN customer ON customer.id = customer_id
         ),
         delivery AS (
             INSERT INTO webhook_deliveries
                 (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at, trace_context)
             SELECT project_id, delivery.id, webhook_id, customer.id, entry_id, due_at, due_at, trace_context
             FROM unnest($23::text[], $24::text[], $25::text[], $26::text[], $27::timestamptz[], $28::text[])
                      AS delivery (customer_id, id, webhook_id, entry_id, due_at, trace_context)
                 JOIN customer ON customer.id = customer_id
         ), ",
        "UNION ALL SELECT project_id, segment_id FROM member",
        &column(&rows.members, |(customer, _)| *customer) as &[&str],
        &column(&rows.members, |(_, segment)| *segment) as &[&str],
        &column(&rows.moments, |(customer, ..)| *customer) as &[&str],
        &column(&rows.moments, |(_, field, _)| *field) as &[&str],
        &column(&rows.moments, |(.., moment)| *moment),
        &column(&rows.deliveries, |(delivery, _)| delivery.customer_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.webhook_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(delivery, _)| delivery.entry_id.as_str()) as &[&str],
        &column(&rows.deliveries, |(_, due_at)| *due_at),
        &column(&rows.deliveries, |(delivery, _)| stored_trace(delivery)) as &[Option<String>]
    )
}
