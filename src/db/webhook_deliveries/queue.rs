//! What the courier does: it reads what is due, and writes down what became of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};

use crate::domain::activity::StoredEntry;
use crate::domain::credential::Channel;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::webhook::{AttemptRecord, DeliveryAddress, DeliveryOutcome, DueDelivery, Secret, WebhookKind};

/// Where it is announced, to the emulator that delivers, that another one has something to be delivered.
pub const CHANNEL: &str = "voucherify_emulator_deliveries";
/// How the courier's connection is called.
const APPLICATION_NAME: &str = "voucherify-emulator courier";
/// The session lock of whoever delivers.
const COURIERS_LOCK: i64 = 8_684_000_000_000_000;
/// Bytes of entries that are read at once.
const BYTES: i64 = 4 * 1024 * 1024;
/// Characters of attempts that are kept of one delivery.
const ATTEMPTS_CHARS: i32 = 8_000;

/// What the courier looks for.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What is due by then.
    pub now: DateTime<Utc>,
    /// And not before; `None` is whatever is due.
    pub since: Option<DateTime<Utc>>,
    /// But not these.
    pub in_hand: &'a [String],
    /// How many of those webhooks at the most.
    pub webhooks: &'a HashMap<(ProjectId, String), i32>,
    /// And of every other.
    pub room: i32,
    /// How many of all.
    pub most: i64,
    /// Beginning behind that webhook, and going around.
    pub after: Option<&'a (ProjectId, String)>,
}

/// The courier's own connection. Of all emulators on a database, the one whose connection has the lock delivers; the lock goes with
/// the connection, however that ends. Since the same connection reads what is due and writes what became of it, nobody does that
/// without the lock.
#[derive(Debug)]
pub struct CourierConnection {
    connection: PgConnection,
    delivers: bool,
    /// The process of PostgreSQL behind it.
    process: i32,
}

impl CourierConnection {
    /// Connects, and ends the process behind the connection before, if there is one still: it would have the lock for as long as
    /// PostgreSQL does not notice that nobody is at the other end.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(database: &PgConnectOptions, before: Option<i32>) -> Result<Self, sqlx::Error> {
        let options = database.clone().application_name(APPLICATION_NAME).disable_statement_logging();
        let mut connection = options.connect().await?;
        // The same few statements over and over: to plan them anew each time would take longer than they do.
        let session = "SET statement_timeout = '8s'; SET jit = off; SET timezone = 'UTC';
                       SET plan_cache_mode = force_generic_plan;
                       SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
        connection.execute(session).await?;
        let process = sqlx::query_scalar!(
            r#"SELECT pg_backend_pid() AS "process!" FROM (
                   SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE pid = $1 AND application_name = $2 AND datname = current_database() AND usename = current_user
               ) AS ended"#,
            before,
            APPLICATION_NAME
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Self { connection, delivers: false, process })
    }

    /// The process of PostgreSQL behind it.
    #[must_use]
    pub fn process(&self) -> i32 {
        self.process
    }

    /// Whether this is the one that delivers; asks for the lock where it is not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delivers(&mut self) -> Result<bool, sqlx::Error> {
        if !self.delivers {
            let taken = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "taken!""#, COURIERS_LOCK);
            self.delivers = taken.fetch_one(&mut self.connection).await?;
        }
        Ok(self.delivers)
    }

    /// Tells the emulator that delivers that there is something to do.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn announce(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(&mut self.connection).await?;
        Ok(())
    }

    /// What is due, of each active webhook the oldest.
    ///
    /// What was delivered a moment ago is in the index until PostgreSQL cleans it up, and each look goes over it again;
    /// [`Look::since`] keeps looks from that.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn due(&mut self, look: &Look<'_>) -> Result<Vec<DueDelivery>, sqlx::Error> {
        let Look { now, since, in_hand, webhooks, room, most, after } = *look;
        let (mut projects, mut webhook_ids, mut rooms) = (Vec::new(), Vec::new(), Vec::new());
        for ((project, webhook_id), &room) in webhooks {
            projects.push(project.0);
            webhook_ids.push(webhook_id.clone());
            rooms.push(room);
        }
        let (after_project, after_webhook) =
            after.map_or((0, String::new()), |(project, webhook_id)| (project.0, webhook_id.clone()));
        let rows = sqlx::query!(
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
                        d.first_attempt_at, w.kind, w.name, w.target_url
                 FROM waiting
                 JOIN webhooks w ON w.project_id = waiting.project_id AND w.id = waiting.webhook_id AND w.active
                 LEFT JOIN unnest($4::bigint[], $5::text[], $6::int[]) AS held (project_id, webhook_id, room)
                     ON held.project_id = w.project_id AND held.webhook_id = w.id,
                 LATERAL (SELECT * FROM webhook_deliveries one
                          WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND one.due_at <= $1
                              AND one.due_at >= coalesce($11::timestamptz, '-infinity') AND one.id <> ALL($2)
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
                    e.entered_at AS "entered_at!", e.app_id, e.channel, p.public_id AS "public_id!",
                    p.webhook_token AS "webhook_token!"
             FROM entries e JOIN projects p ON p.id = e.project_id AND p.deleted_at IS NULL
             WHERE coalesce(e.bytes_before, 0) <= $10"#,
            now,
            in_hand,
            room,
            &projects,
            &webhook_ids,
            &rooms,
            most,
            after_project,
            after_webhook,
            BYTES,
            since
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DueDelivery {
                address: DeliveryAddress { project: ProjectId(row.project_id), webhook_id: row.webhook_id, id: row.id },
                customer_id: row.customer_id,
                created_at: row.created_at,
                due_at: row.due_at,
                failures: row.failures,
                round: row.round,
                first_attempt_at: row.first_attempt_at,
                kind: WebhookKind::parse(&row.kind).unwrap_or(WebhookKind::Project),
                name: row.name,
                target_url: row.target_url,
                project_public_id: row.public_id,
                webhook_token: Secret(row.webhook_token),
                entry: StoredEntry {
                    id: row.entry_id,
                    kind: row.r#type,
                    group_id: row.group_id,
                    data: JsonText::from_trusted(row.data),
                    referrer: row.referrer_id.zip(row.referrer.map(JsonText::from_trusted)),
                    created_at: row.entered_at,
                    app_id: row.app_id,
                    channel: Channel::parse(row.channel.as_deref()),
                },
            })
            .collect())
    }

    /// When the next delivery of an active webhook is due, of those that are not due by `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_due(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT min(next.due_at) FROM webhooks w,
                 LATERAL (SELECT d.due_at FROM webhook_deliveries d
                          WHERE d.project_id = w.project_id AND d.webhook_id = w.id AND d.due_at > $1
                          ORDER BY d.due_at LIMIT 1) AS next
             WHERE w.active"#,
            now
        )
        .fetch_one(&mut self.connection)
        .await
    }

    /// Writes down what attempts came to, in one statement however many, and returns those that are still to be written, since somebody
    /// holds their deliveries. One whose delivery is gone, or has ended, is passed over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&mut self, records: &[AttemptRecord]) -> Result<Vec<DeliveryAddress>, sqlx::Error> {
        let mut columns = RecordColumns::default();
        for record in records {
            columns.projects.push(record.address.project.0);
            columns.webhooks.push(record.address.webhook_id.clone());
            columns.ids.push(record.address.id.clone());
            columns.rounds.push(record.round);
            columns.due.push(record.due_at);
            columns.outcomes.push(record.outcome.map(DeliveryOutcome::as_str).map(str::to_owned));
            columns.failures.push(record.failures);
            columns.first.push(record.first_attempt_at);
            columns.finished.push(record.outcome.map(|_| record.ended_at));
            columns.attempts.push(record.attempt.as_str().to_owned());
        }
        // Whoever forgets a person holds many deliveries, in an order of their own: nobody is waited for here.
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
            &columns.projects,
            &columns.webhooks,
            &columns.ids,
            &columns.rounds,
            &columns.due as &Vec<Option<DateTime<Utc>>>,
            &columns.outcomes as &Vec<Option<String>>,
            &columns.failures,
            &columns.first,
            &columns.finished as &Vec<Option<DateTime<Utc>>>,
            &columns.attempts,
            ATTEMPTS_CHARS
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
            &columns.projects,
            &columns.webhooks,
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

#[derive(Default)]
struct RecordColumns {
    projects: Vec<i64>,
    webhooks: Vec<String>,
    ids: Vec<String>,
    rounds: Vec<i32>,
    due: Vec<Option<DateTime<Utc>>>,
    outcomes: Vec<Option<String>>,
    failures: Vec<i32>,
    first: Vec<DateTime<Utc>>,
    finished: Vec<Option<DateTime<Utc>>>,
    attempts: Vec<String>,
}

/// Removes deliveries that have ended, of those whose ids are less than `before`: `most` of them, and returns how many they were.
///
/// # Errors
/// When the database refuses.
pub async fn expire(connection: &mut PgConnection, before: &str, most: i64) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM webhook_deliveries d
         USING (SELECT old.* FROM webhooks w,
                    LATERAL (SELECT one.project_id, one.webhook_id, one.id FROM webhook_deliveries one
                             WHERE one.project_id = w.project_id AND one.webhook_id = w.id AND one.id < $1
                                 AND one.due_at IS NULL
                             ORDER BY one.id LIMIT $2) AS old
                LIMIT $2) AS gone
         WHERE d.project_id = gone.project_id AND d.webhook_id = gone.webhook_id AND d.id = gone.id",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}
