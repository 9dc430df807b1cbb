//! The webhook object, the messages of webhooks, and the delivery object.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::activity;
use super::writer::ObjectWriter;
use crate::domain::activity::StoredEntry;
use crate::domain::json::{JsonText, javascript};
use crate::domain::webhook::{DueDelivery, StoredDelivery, Webhook, WebhookKind};

/// Writes a webhook. Only a distribution has a name.
pub fn write(out: &mut Vec<u8>, webhook: &Webhook) {
    let mut object = ObjectWriter::new(out);
    object.raw(
        "object",
        match webhook.kind {
            WebhookKind::Project => "\"webhook\"",
            WebhookKind::Distribution => "\"distribution\"",
        },
    );
    object.time("created_at", webhook.created_at).text("id", &webhook.id);
    if webhook.kind == WebhookKind::Distribution {
        object.nullable_text("name", webhook.name.as_deref());
    }
    object
        .array("events", &webhook.events, |out, event| {
            // Writing to a buffer cannot fail.
            let _ = serde_json::to_writer(out, event);
        })
        .text("target_url", &webhook.target_url)
        .boolean("active", webhook.active)
        .end();
}

/// Returns the message of a delivery. It has the same bytes at every attempt, unless the webhook is changed or a
/// customer in the message is erased in between.
#[must_use]
pub fn message(delivery: &DueDelivery) -> Vec<u8> {
    let entry = &delivery.entry;
    let mut out = Vec::with_capacity(entry.data.as_str().len() + 1024);
    ObjectWriter::new(&mut out)
        .text("id", &delivery.address.id)
        .text("project_id", &delivery.project_public_id)
        .time("created_at", delivery.created_at)
        .text("type", delivery.name.as_deref().unwrap_or(&entry.kind))
        .with("data", |out| write_data(out, entry))
        .object("source", |source| {
            source
                .text("id", &delivery.address.webhook_id)
                .text("object", delivery.kind.as_str())
                .text("target_url", &delivery.target_url);
        })
        .object("event", |event| {
            event
                .text("id", &entry.id)
                .text("type", &entry.kind)
                .time("created_at", entry.created_at)
                .text("entity_id", &delivery.customer_id)
                .text("group_id", &entry.group_id)
                .with("event_source", |out| activity::write_event_source(out, entry));
        })
        .end();
    out
}

/// Entry types whose published payloads order all members like PostgreSQL's `jsonb`: by the length of the name, then by
/// its bytes. The other types order members as in answers.
const TYPES_IN_JSONB_ORDER: [&str; 6] = [
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.consents.given",
    "customer.consents.revoked",
    "customer.order.updated",
];

fn write_data(out: &mut Vec<u8>, entry: &StoredEntry) {
    let start = out.len();
    activity::write_payload(out, entry);
    if TYPES_IN_JSONB_ORDER.contains(&entry.kind.as_str())
        // Parsing cannot fail, because the emulator wrote the payload.
        && let Ok(mut data) = serde_json::from_slice(&out[start..])
    {
        sort_like_jsonb(&mut data);
        out.truncate(start);
        javascript::write(out, &data);
    }
}

fn sort_like_jsonb(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
            sorted.sort_unstable_by(|(left, _), (right, _)| (left.len(), left).cmp(&(right.len(), right)));
            // JavaScript reads the members of jsonb and puts array indices first. The sort is stable.
            sorted.sort_by_key(|(key, _)| javascript::index_or_last(key));
            for (_, member) in &mut sorted {
                sort_like_jsonb(member);
            }
            members.extend(sorted);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_like_jsonb),
        _ => {}
    }
}

/// Writes a delivery with its attempts.
pub fn write_delivery(out: &mut Vec<u8>, delivery: &StoredDelivery) {
    ObjectWriter::new(out)
        .text("id", &delivery.id)
        .text("webhook_id", &delivery.webhook_id)
        .text("event_id", &delivery.entry_id)
        .text("event_type", &delivery.event_type)
        .text("entity_id", &delivery.customer_id)
        .text("status", delivery.outcome.as_deref().unwrap_or("PENDING"))
        .time("created_at", delivery.created_at)
        .nullable_time("next_attempt_at", delivery.due_at)
        .nullable_time("finished_at", delivery.finished_at)
        .raw("attempts", delivery.attempts.as_ref().map_or("[]", JsonText::as_str))
        .raw("object", "\"webhook_delivery\"")
        .end();
}

/// Writes an attempt: the status of the answer, the error where it failed, and the id of the fault that hit it.
pub fn write_attempt(
    out: &mut Vec<u8>,
    started_at: DateTime<Utc>,
    milliseconds: i64,
    status: Option<u16>,
    error: Option<&str>,
    fault: Option<&str>,
) {
    let mut object = ObjectWriter::new(out);
    object.time("created_at", started_at).number("milliseconds", milliseconds);
    match status {
        Some(status) => object.number("status", i64::from(status)),
        None => object.raw("status", "null"),
    };
    object.nullable_text("error", error).nullable_text("fault", fault).end();
}
