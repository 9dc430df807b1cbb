//! A delivery with its message, as statements return it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::activity::StoredEntry;
use crate::domain::credential::Channel;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::trace_context::TraceContext;
use crate::domain::webhook::{DeliveryAddress, DueDelivery, Secret, WebhookKind};

pub(super) struct DueRow {
    pub project_id: i64,
    pub id: String,
    pub webhook_id: String,
    pub customer_id: String,
    pub entry_id: String,
    pub created_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub failures: i32,
    pub round: i32,
    pub first_attempt_at: Option<DateTime<Utc>>,
    pub kind: String,
    pub name: Option<String>,
    pub target_url: String,
    pub r#type: String,
    pub group_id: String,
    pub data: String,
    pub referrer_id: Option<String>,
    pub referrer: Option<String>,
    pub entered_at: DateTime<Utc>,
    pub app_id: Option<String>,
    pub channel: Option<String>,
    pub public_id: String,
    pub webhook_token: String,
    pub clock_offset_micros: Option<i64>,
    pub clock_frozen_at: Option<DateTime<Utc>>,
    pub faults_version: Option<i64>,
    pub trace_context: Option<String>,
}

impl From<DueRow> for DueDelivery {
    fn from(row: DueRow) -> Self {
        Self {
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
            clock: ProjectClock::from_stored(row.clock_offset_micros, row.clock_frozen_at),
            faults_version: row.faults_version,
            trace: row.trace_context.as_deref().and_then(TraceContext::from_stored).map(Arc::new),
        }
    }
}
