//! The outcomes of the attempts of the delivery worker.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::queue::DeliveryConnection;
use crate::domain::project::ProjectId;
use crate::domain::webhook::{AttemptRecord, DeliveryAddress, DeliveryOutcome};

/// The length of the stored attempts of a delivery, in characters, after which a new attempt replaces them.
const MAX_ATTEMPTS_CHARS: i32 = 8_000;

impl DeliveryConnection {
    /// Records the outcomes of any number of attempts in one statement. Returns the deliveries that another
    /// transaction has locked, whose attempts must be recorded later. Attempts of deliveries that are deleted or
    /// finished are skipped.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn record(&mut self, records: &[AttemptRecord]) -> Result<Vec<DeliveryAddress>, sqlx::Error> {
        if !self.is_distributed {
            return self.record_of(&records.iter().collect::<Vec<_>>(), None).await;
        }
        let mut by_project = BTreeMap::<ProjectId, Vec<&AttemptRecord>>::new();
        for record in records {
            by_project.entry(record.address.project).or_default().push(record);
        }
        let mut locked = Vec::new();
        for (project, records) in by_project {
            locked.append(&mut self.record_of(&records, Some(project)).await?);
        }
        Ok(locked)
    }

    /// Records the outcomes of attempts of one project, or of any project where `scope` is `None`.
    async fn record_of(
        &mut self,
        records: &[&AttemptRecord],
        scope: Option<ProjectId>,
    ) -> Result<Vec<DeliveryAddress>, sqlx::Error> {
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
                 WHERE d.due_at IS NOT NULL AND ($12::bigint IS NULL OR d.project_id = $12)
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
             FROM held r WHERE d.ctid = r.place AND ($12::bigint IS NULL OR d.project_id = $12)
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
            MAX_ATTEMPTS_CHARS,
            scope.map(|project| project.0)
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
             WHERE d.due_at IS NOT NULL AND d.id <> ALL($4) AND ($5::bigint IS NULL OR d.project_id = $5)",
            &columns.project_ids,
            &columns.webhook_ids,
            &columns.ids,
            &written,
            scope.map(|project| project.0)
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DeliveryAddress { project: ProjectId(row.project_id), webhook_id: row.webhook_id, id: row.id })
            .collect())
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
