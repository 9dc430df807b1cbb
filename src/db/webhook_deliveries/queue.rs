//! The queries of the delivery worker: it reads due deliveries and records the outcomes of its attempts.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::due_row::DueRow;
use crate::db::session::{DELIVERY_APPLICATION_NAME, Database, Purpose};
use crate::domain::project::ProjectId;
use crate::domain::time_ordered_id;
use crate::domain::webhook::{AttemptRecord, DeliveryAddress, DeliveryOutcome, DueDelivery};
use crate::trace::statement;

/// The other processes notify the delivering process of new deliveries on the channel with the name of the schema and this ending.
pub(in crate::db) const CHANNEL_ENDING: &str = "_deliveries";
/// The size of the activity entries, in bytes, after which one query returns no further deliveries.
const MAX_ENTRY_BYTES: i64 = 4 * 1024 * 1024;
/// The length of the stored attempts of a delivery, in characters, after which a new attempt replaces them.
const MAX_ATTEMPTS_CHARS: i32 = 8_000;

/// Selects the due deliveries to read.
#[derive(Clone, Copy, Debug)]
pub struct DueQuery<'a> {
    /// The real time. Only deliveries that are due by the clock of their project.
    pub now: DateTime<Utc>,
    /// Only deliveries that are due at this time or later; `None` means no such limit. The limit does not apply to projects whose clock
    /// is not real time.
    pub since: Option<DateTime<Utc>>,
    /// These deliveries are excluded.
    pub in_flight_ids: &'a [String],
    /// The maximum number of deliveries for some webhooks.
    pub webhook_limits: &'a HashMap<(ProjectId, String), i32>,
    /// Further deliveries that are excluded, by their webhook. They may wait for long, and deliveries of several projects can have the
    /// same id: those of projects with the same seed of identifiers.
    pub postponed_ids: &'a HashMap<(ProjectId, String), Vec<String>>,
    /// The maximum number for each other webhook.
    pub default_webhook_limit: i32,
    /// The maximum number of all deliveries together.
    pub total_limit: i64,
    /// Begin with the webhook after this one, and continue with the first webhook after the last.
    pub after: Option<&'a (ProjectId, String)>,
}

/// The delivery worker's connection. Of all processes on a schema, only the one whose connection holds the delivery lock, an advisory
/// lock of the session, delivers, and the lock is released whenever the connection ends. The same connection reads the due deliveries
/// and records the outcomes, so both happen only under the lock.
#[derive(Debug)]
pub struct DeliveryConnection {
    connection: PgConnection,
    has_lock: bool,
    /// The process id of the connection in PostgreSQL.
    process_id: i32,
}

impl DeliveryConnection {
    /// Connects, and terminates the PostgreSQL process of an earlier connection if it still runs. It would hold the
    /// lock until PostgreSQL detects that the client has disconnected.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or the query fails.
    pub async fn connect(database: &Database, previous_process_id: Option<i32>) -> Result<Self, sqlx::Error> {
        let mut connection = database.connect(Purpose::Delivery).await?;
        let process_id = sqlx::query_scalar!(
            r#"SELECT pg_backend_pid() AS "process!" FROM (
                   SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE pid = $1 AND application_name = $2 AND datname = current_database() AND usename = current_user
               ) AS ended"#,
            previous_process_id,
            DELIVERY_APPLICATION_NAME
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Self { connection, has_lock: false, process_id })
    }

    /// Returns the process id of the connection in PostgreSQL.
    #[must_use]
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// Returns whether this connection holds the delivery lock. If it does not, it tries to acquire the lock first.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn try_lock(&mut self) -> Result<bool, sqlx::Error> {
        if !self.has_lock {
            let acquired = sqlx::query_scalar!(
                r#"SELECT pg_try_advisory_lock('webhook_deliveries'::regclass::oid::bigint << 32) AS "taken!""#
            );
            self.has_lock = acquired.fetch_one(&mut self.connection).await?;
        }
        Ok(self.has_lock)
    }

    /// Notifies the delivering process that there are deliveries to send.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn notify(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query!("SELECT pg_notify(current_schema() || $1, '')", CHANNEL_ENDING)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Finds due deliveries of active webhooks, for each webhook the oldest ones.
    ///
    /// The index contains the entries of finished deliveries until PostgreSQL removes them, and each query reads these
    /// again. [`DueQuery::since`] avoids that.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn find_due(&mut self, query: &DueQuery<'_>) -> Result<Vec<DueDelivery>, sqlx::Error> {
        let DueQuery { now, since, in_flight_ids, default_webhook_limit, total_limit, after, .. } = *query;
        let columns = WebhookColumns::of(query);
        let (after_project, after_webhook) = after.map_or((0, ""), |(project, webhook_id)| (project.0, webhook_id));
        let rows = sqlx::query_as!(
            DueRow,
            r#"WITH RECURSIVE waiting AS (
                 (SELECT project_id, webhook_id FROM webhook_deliveries
                  WHERE due_at IS NOT NULL ORDER BY project_id, webhook_id LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM waiting,
                     LATERAL (SELECT d.project_id, d.webhook_id FROM webhook_deliveries d
                              WHERE d.due_at IS NOT NULL
                                  AND (d.project_id, d.webhook_id) > (waiting.project_id, waiting.webhook_id)
                              ORDER BY d.project_id, d.webhook_id LIMIT 1) AS next
             ),
             due AS (
                 SELECT d.project_id, d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.failures, d.round,
                        d.first_attempt_at, w.kind, w.name, w.target_url, p.public_id, p.webhook_token,
                        p.clock_offset_micros, p.clock_frozen_at, p.faults_version, d.trace_context
                 FROM waiting
                 JOIN projects p ON p.id = waiting.project_id AND p.deleted_at IS NULL
                 JOIN webhooks w ON w.project_id = waiting.project_id AND w.id = waiting.webhook_id AND w.active
                 LEFT JOIN (SELECT project_id, webhook_id, room, string_to_array(postponed, ',') AS postponed
                            FROM unnest($4::bigint[], $5::text[], $6::int[], $12::text[])
                                AS h (project_id, webhook_id, room, postponed) OFFSET 0) AS held
                     ON held.project_id = w.project_id AND held.webhook_id = w.id,
                 LATERAL (SELECT * FROM webhook_deliveries one
                          WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND one.due_at <= project_time($1, p.clock_offset_micros, p.clock_frozen_at)
                              AND one.due_at >= CASE WHEN num_nonnulls(p.clock_offset_micros, p.clock_frozen_at) = 0
                                                     THEN coalesce($11::timestamptz, '-infinity') ELSE '-infinity' END
                              AND one.id <> ALL($2) AND (held.postponed IS NULL OR one.id <> ALL(held.postponed))
                          ORDER BY one.due_at LIMIT greatest(coalesce(held.room, $3), 0)) AS d
                 ORDER BY (w.project_id, w.id) > ($8::bigint, $9::text) DESC, w.project_id, w.id
                 LIMIT $7
             ),
             entries AS (
                 SELECT due.*, a.type, a.group_id, a.data, a.referrer_id, a.referrer, a.created_at AS entered_at, a.app_id,
                        a.channel,
                        sum(octet_length(a.data)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
                 FROM due
                 JOIN customer_activity a
                     ON a.project_id = due.project_id AND a.customer_id = due.customer_id AND a.id = due.entry_id
             )
             SELECT e.project_id AS "project_id!", e.id AS "id!", e.webhook_id AS "webhook_id!",
                    e.customer_id AS "customer_id!", e.entry_id AS "entry_id!", e.created_at AS "created_at!", e.due_at AS "due_at!",
                    e.failures AS "failures!", e.round AS "round!", e.first_attempt_at, e.kind AS "kind!", e.name, e.target_url AS "target_url!",
                    e.type AS "type!", e.group_id AS "group_id!", e.data AS "data!", e.referrer_id, e.referrer,
                    e.entered_at AS "entered_at!", e.app_id, e.channel, e.public_id AS "public_id!",
                    e.webhook_token AS "webhook_token!", e.clock_offset_micros, e.clock_frozen_at, e.faults_version,
                    e.trace_context
             FROM entries e
             WHERE coalesce(e.bytes_before, 0) <= $10"#,
            now,
            in_flight_ids,
            default_webhook_limit,
            &columns.projects,
            &columns.webhook_ids,
            &columns.limits as &Vec<Option<i32>>,
            total_limit,
            after_project,
            after_webhook,
            MAX_ENTRY_BYTES,
            since,
            &columns.postponed as &Vec<Option<String>>
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows.into_iter().map(DueDelivery::from).collect())
    }

    /// Finds when the next delivery of an active webhook that is not due at `now` will be due, both in real time. While the clock of a
    /// project is frozen, nothing falls due in it.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn find_next_due_at(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT min(next.due_at - coalesce(p.clock_offset_micros, 0) * interval '1 microsecond')
             FROM webhooks w JOIN projects p ON p.id = w.project_id,
                 LATERAL (SELECT d.due_at FROM webhook_deliveries d
                          WHERE d.project_id = w.project_id AND d.webhook_id = w.id
                              AND d.due_at > project_time($1, p.clock_offset_micros, NULL)
                          ORDER BY d.due_at LIMIT 1) AS next
             WHERE w.active AND p.clock_frozen_at IS NULL"#,
            now
        )
        .fetch_one(&mut self.connection)
        .await
    }

    /// Records the outcomes of any number of attempts in one statement. Returns the deliveries that another
    /// transaction has locked, whose attempts must be recorded later. Attempts of deliveries that are deleted or
    /// finished are skipped.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn record(&mut self, records: &[AttemptRecord]) -> Result<Vec<DeliveryAddress>, sqlx::Error> {
        let mut columns = RecordColumns::default();
        for record in records {
            columns.project_ids.push(record.address.project.0);
            columns.webhook_ids.push(record.address.webhook_id.clone());
            columns.ids.push(record.address.id.clone());
            columns.rounds.push(record.round);
            columns.due_times.push(record.due_at);
            columns.outcomes.push(record.outcome.map(DeliveryOutcome::as_str).map(str::to_owned));
            columns.failures.push(record.failures);
            columns.first_attempt_times.push(record.first_attempt_at);
            columns.finish_times.push(record.outcome.map(|_| record.ended_at));
            columns.attempts.push(record.attempt.as_str().to_owned());
        }
        // Skip locked rows: the erasure of a customer locks many deliveries in another order, so waiting could
        // deadlock.
        let written = sqlx::query_scalar!(
            r#"WITH held AS MATERIALIZED (
                 SELECT d.ctid AS place, r.*
                 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::text[],
                             $7::int[], $8::timestamptz[], $9::timestamptz[], $10::text[])
                     AS r (project_id, webhook_id, id, round, due_at, outcome, failures, first_attempt_at, finished_at, attempt)
                 JOIN webhook_deliveries d USING (project_id, webhook_id, id)
                 WHERE d.due_at IS NOT NULL
                 FOR NO KEY UPDATE OF d SKIP LOCKED
             )
             UPDATE webhook_deliveries d
             SET due_at = CASE WHEN d.round = r.round THEN r.due_at ELSE d.due_at END,
                 outcome = CASE WHEN d.round = r.round THEN r.outcome ELSE d.outcome END,
                 failures = CASE WHEN d.round = r.round THEN r.failures ELSE d.failures END,
                 first_attempt_at = CASE WHEN d.round = r.round THEN r.first_attempt_at ELSE d.first_attempt_at END,
                 finished_at = CASE WHEN d.round = r.round THEN r.finished_at ELSE d.finished_at END,
                 attempts = CASE WHEN d.attempts IS NULL OR length(d.attempts) > $11 THEN r.attempt
                                 ELSE d.attempts || ',' || r.attempt END
             FROM held r WHERE d.ctid = r.place
             RETURNING d.id"#,
            &columns.project_ids,
            &columns.webhook_ids,
            &columns.ids,
            &columns.rounds,
            &columns.due_times as &Vec<Option<DateTime<Utc>>>,
            &columns.outcomes as &Vec<Option<String>>,
            &columns.failures,
            &columns.first_attempt_times,
            &columns.finish_times as &Vec<Option<DateTime<Utc>>>,
            &columns.attempts,
            MAX_ATTEMPTS_CHARS
        )
        .fetch_all(&mut self.connection)
        .await?;
        if written.len() == records.len() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query!(
            "SELECT d.project_id, d.webhook_id, d.id
             FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (project_id, webhook_id, id)
             JOIN webhook_deliveries d USING (project_id, webhook_id, id)
             WHERE d.due_at IS NOT NULL AND d.id <> ALL($4)",
            &columns.project_ids,
            &columns.webhook_ids,
            &columns.ids,
            &written
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DeliveryAddress { project: ProjectId(row.project_id), webhook_id: row.webhook_id, id: row.id })
            .collect())
    }
}

/// What a query has to respect for some webhooks, as the arrays that `unnest` takes, one for each column.
#[derive(Default)]
struct WebhookColumns {
    projects: Vec<i64>,
    webhook_ids: Vec<String>,
    limits: Vec<Option<i32>>,
    /// Ids separated by commas, because an array of arrays must be rectangular. `OFFSET 0` in the query keeps the planner from splitting
    /// them again for every delivery.
    postponed: Vec<Option<String>>,
}

impl WebhookColumns {
    fn of(query: &DueQuery<'_>) -> Self {
        let DueQuery { webhook_limits, postponed_ids, .. } = query;
        let mut columns = Self::default();
        for key in webhook_limits.keys().chain(postponed_ids.keys().filter(|key| !webhook_limits.contains_key(key))) {
            columns.projects.push(key.0.0);
            columns.webhook_ids.push(key.1.clone());
            columns.limits.push(webhook_limits.get(key).copied());
            columns.postponed.push(postponed_ids.get(key).map(|ids| ids.join(",")));
        }
        columns
    }
}

/// Attempts as the arrays that `unnest` takes, one for each column.
#[derive(Default)]
struct RecordColumns {
    project_ids: Vec<i64>,
    webhook_ids: Vec<String>,
    ids: Vec<String>,
    rounds: Vec<i32>,
    due_times: Vec<Option<DateTime<Utc>>>,
    outcomes: Vec<Option<String>>,
    failures: Vec<i32>,
    first_attempt_times: Vec<DateTime<Utc>>,
    finish_times: Vec<Option<DateTime<Utc>>>,
    attempts: Vec<String>,
}

/// Deletes at most `limit` finished deliveries that are older than `days` by the clock of their project, when the real time is
/// `real_now`, and returns how many it deleted. It waits for no other transaction: a delivery that is locked stays until the next time.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_finished(
    connection: &mut PgConnection,
    real_now: DateTime<Utc>,
    days: i32,
    limit: i64,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("webhook_deliveries.delete_finished");
    // The ids are in the order of time where the clock is real time, so the primary key finds the old rows.
    let id_before = time_ordered_id::lower_bound("whs_", real_now - TimeDelta::days(days.into()));
    let result = sqlx::query!(
        "WITH gone AS MATERIALIZED (
             SELECT old.* FROM webhooks w JOIN projects p ON p.id = w.project_id,
                 LATERAL (SELECT one.project_id, one.webhook_id, one.id FROM webhook_deliveries one
                          WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND p.snapshot_of IS NULL
                              AND one.id < CASE WHEN num_nonnulls(p.clock_offset_micros, p.clock_frozen_at) = 0
                                                THEN $1 ELSE 'whs_g' END
                              AND one.created_at < project_time($3, p.clock_offset_micros, p.clock_frozen_at)
                                                   - make_interval(days => $4)
                              AND one.due_at IS NULL
                          ORDER BY one.id LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
             LIMIT $2
         )
         DELETE FROM webhook_deliveries d USING gone
         WHERE d.project_id = gone.project_id AND d.webhook_id = gone.webhook_id AND d.id = gone.id",
        id_before,
        limit,
        real_now,
        days
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(result.rows_affected()).unwrap_or(i64::MAX))
}
