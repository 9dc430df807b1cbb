//! The connection of the delivery worker, with which it reads due deliveries. `record` records the outcomes of its attempts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Executor, PgConnection};

use super::due_row::DueRow;
use crate::db::distribution;
use crate::db::pending_work::{self, WorkKind};
use crate::db::session::{DELIVERY_APPLICATION_NAME, Database, Purpose};
use crate::domain::project::ProjectId;
use crate::domain::webhook::DueDelivery;

/// The other processes notify the delivering process of new deliveries on the channel with the name of the schema and this ending.
pub(in crate::db) const CHANNEL_ENDING: &str = "_deliveries";
/// The size of the activity entries, in bytes, after which one query returns no further deliveries.
const MAX_ENTRY_BYTES: i64 = 4 * 1024 * 1024;

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
    pub(super) connection: PgConnection,
    has_lock: bool,
    /// The process id of the connection in PostgreSQL.
    process_id: i32,
    pub(super) is_distributed: bool,
}

impl DeliveryConnection {
    /// Connects, and terminates the PostgreSQL process of an earlier connection if it still runs. It would hold the
    /// lock until PostgreSQL detects that the client has disconnected.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or the query fails.
    pub async fn connect(database: &Database, previous_process_id: Option<i32>) -> Result<Self, sqlx::Error> {
        let mut connection = database.connect(Purpose::Delivery).await?;
        let is_distributed = distribution::is_distributed(&mut connection).await?;
        if is_distributed {
            // Which server executes a statement depends on the project, so a plan cannot be for all of them.
            connection.execute("SET plan_cache_mode = auto").await?;
        }
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
        Ok(Self { connection, has_lock: false, process_id, is_distributed })
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
        if !self.is_distributed {
            return self.find_due_of(query, None).await;
        }
        let mut projects = pending_work::list(&mut self.connection, WorkKind::Delivery).await?;
        if let Some((last, _)) = query.after {
            // Continue with the projects after the last one, so that each gets its turn. The last one may have further webhooks.
            projects.sort_by_key(|project| (*project < *last, *project));
        }
        let mut due = Vec::new();
        for project in projects {
            let left = query.total_limit - i64::try_from(due.len()).unwrap_or(i64::MAX);
            if left <= 0 {
                break;
            }
            due.append(&mut self.find_due_of(&DueQuery { total_limit: left, ..*query }, Some(project)).await?);
        }
        Ok(due)
    }

    /// Finds the due deliveries of one project, or of all where `scope` is `None`.
    async fn find_due_of(
        &mut self,
        query: &DueQuery<'_>,
        scope: Option<ProjectId>,
    ) -> Result<Vec<DueDelivery>, sqlx::Error> {
        let waiting = WaitingWebhooks::of(query, self.find_waiting_webhooks(scope).await?);
        if waiting.ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as!(
            DueRow,
            r#"WITH due AS (
                 SELECT d.project_id, d.id, d.webhook_id, d.customer_id, d.entry_id, d.created_at, d.due_at, d.failures, d.round,
                        d.first_attempt_at, w.kind, w.name, w.target_url, p.public_id, p.webhook_token,
                        p.clock_offset_micros, p.clock_frozen_at, p.faults_version, d.trace_context
                 FROM (SELECT project_id, id, room, string_to_array(postponed, ',') AS postponed, place
                       FROM unnest($4::bigint[], $5::text[], $6::int[], $7::text[]) WITH ORDINALITY
                           AS given (project_id, id, room, postponed, place) OFFSET 0) AS waiting
                 JOIN projects p ON p.id = waiting.project_id AND p.deleted_at IS NULL
                 JOIN webhooks w ON w.project_id = waiting.project_id AND w.id = waiting.id AND w.active
                     AND ($10::bigint IS NULL OR w.project_id = $10),
                 LATERAL (SELECT * FROM webhook_deliveries one
                          WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND ($10::bigint IS NULL OR one.project_id = $10)
                              AND one.due_at <= project_time($1, p.clock_offset_micros, p.clock_frozen_at)
                              AND one.due_at >= CASE WHEN num_nonnulls(p.clock_offset_micros, p.clock_frozen_at) = 0
                                                     THEN coalesce($3::timestamptz, '-infinity') ELSE '-infinity' END
                              AND one.id <> ALL($2) AND (waiting.postponed IS NULL OR one.id <> ALL(waiting.postponed))
                          ORDER BY one.due_at LIMIT waiting.room) AS d
                 ORDER BY waiting.place
                 LIMIT $8
             ),
             entries AS (
                 SELECT due.*, a.type, a.group_id, a.data, a.referrer_id, a.referrer, a.created_at AS entered_at, a.app_id,
                        a.channel,
                        sum(octet_length(a.data)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
                 FROM due
                 JOIN customer_activity a
                     ON a.project_id = due.project_id AND a.customer_id = due.customer_id AND a.id = due.entry_id
                         AND ($10::bigint IS NULL OR a.project_id = $10)
             )
             SELECT e.project_id AS "project_id!", e.id AS "id!", e.webhook_id AS "webhook_id!",
                    e.customer_id AS "customer_id!", e.entry_id AS "entry_id!", e.created_at AS "created_at!", e.due_at AS "due_at!",
                    e.failures AS "failures!", e.round AS "round!", e.first_attempt_at, e.kind AS "kind!", e.name, e.target_url AS "target_url!",
                    e.type AS "type!", e.group_id AS "group_id!", e.data AS "data!", e.referrer_id, e.referrer,
                    e.entered_at AS "entered_at!", e.app_id, e.channel, e.public_id AS "public_id!",
                    e.webhook_token AS "webhook_token!", e.clock_offset_micros, e.clock_frozen_at, e.faults_version,
                    e.trace_context
             FROM entries e
             WHERE coalesce(e.bytes_before, 0) <= $9"#,
            query.now,
            query.in_flight_ids,
            query.since,
            &waiting.projects,
            &waiting.ids,
            &waiting.limits,
            &waiting.postponed as &Vec<Option<String>>,
            query.total_limit,
            MAX_ENTRY_BYTES,
            scope.map(|project| project.0)
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows.into_iter().map(DueDelivery::from).collect())
    }

    /// Lists the webhooks that have deliveries to send, now or later. It steps through the index from the first delivery of one webhook to
    /// the first of the next, so that the number of deliveries does not matter.
    ///
    /// It is a statement of its own, because Citus executes a recursive one only where it reads no table of the coordinator.
    async fn find_waiting_webhooks(
        &mut self,
        scope: Option<ProjectId>,
    ) -> Result<Vec<(ProjectId, String)>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"WITH RECURSIVE waiting AS (
                 (SELECT project_id, webhook_id FROM webhook_deliveries
                  WHERE due_at IS NOT NULL AND ($1::bigint IS NULL OR project_id = $1)
                  ORDER BY project_id, webhook_id LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM waiting,
                     LATERAL (SELECT d.project_id, d.webhook_id FROM webhook_deliveries d
                              WHERE d.due_at IS NOT NULL AND ($1::bigint IS NULL OR d.project_id = $1)
                                  AND (d.project_id, d.webhook_id) > (waiting.project_id, waiting.webhook_id)
                              ORDER BY d.project_id, d.webhook_id LIMIT 1) AS next
             )
             SELECT project_id AS "project_id!", webhook_id AS "webhook_id!" FROM waiting"#,
            scope.map(|project| project.0)
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.webhook_id)).collect())
    }

    /// Finds when the next delivery of an active webhook that is not due at `now` will be due, both in real time. While the clock of a
    /// project is frozen, nothing falls due in it.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn find_next_due_at(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        if !self.is_distributed {
            return self.find_next_due_at_of(now, None).await;
        }
        let (mut next_of_all, mut idle) = (None, Vec::new());
        for project in pending_work::list(&mut self.connection, WorkKind::Delivery).await? {
            let next = self.find_next_due_at_of(now, Some(project)).await?;
            next_of_all = next_of_all.into_iter().chain(next).min();
            idle.push((project, next));
        }
        pending_work::postpone(&mut self.connection, WorkKind::Delivery, &idle).await?;
        Ok(next_of_all)
    }

    async fn find_next_due_at_of(
        &mut self,
        now: DateTime<Utc>,
        scope: Option<ProjectId>,
    ) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT min(next.due_at - coalesce(p.clock_offset_micros, 0) * interval '1 microsecond')
             FROM webhooks w JOIN projects p ON p.id = w.project_id,
                 LATERAL (SELECT d.due_at FROM webhook_deliveries d
                          WHERE d.project_id = w.project_id AND d.webhook_id = w.id
                              AND ($2::bigint IS NULL OR d.project_id = $2) AND d.due_at > project_time($1, p.clock_offset_micros, NULL)
                          ORDER BY d.due_at LIMIT 1) AS next
             WHERE w.active AND p.clock_frozen_at IS NULL AND ($2::bigint IS NULL OR w.project_id = $2)"#,
            now,
            scope.map(|project| project.0)
        )
        .fetch_one(&mut self.connection)
        .await
    }
}

/// The webhooks of a query, and what it has to respect for each of them, as the arrays that `unnest` takes, one for each column.
#[derive(Default)]
struct WaitingWebhooks {
    projects: Vec<i64>,
    ids: Vec<String>,
    limits: Vec<i32>,
    /// Ids separated by commas, because an array of arrays must be rectangular. `OFFSET 0` in the query keeps the planner from splitting
    /// them again for every delivery.
    postponed: Vec<Option<String>>,
}

impl WaitingWebhooks {
    /// Returns those of the webhooks with room for deliveries, in the order in which they get their turn.
    fn of(query: &DueQuery<'_>, mut webhooks: Vec<(ProjectId, String)>) -> Self {
        webhooks.sort_by_key(|webhook| Some(webhook) <= query.after);
        let mut columns = Self::default();
        for webhook in webhooks {
            let limit = *query.webhook_limits.get(&webhook).unwrap_or(&query.default_webhook_limit);
            if limit <= 0 {
                continue;
            }
            columns.limits.push(limit);
            columns.postponed.push(query.postponed_ids.get(&webhook).map(|ids| ids.join(",")));
            columns.projects.push(webhook.0.0);
            columns.ids.push(webhook.1);
        }
        columns
    }
}
