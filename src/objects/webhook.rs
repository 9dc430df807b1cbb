//! Webhooks, what they send, and what became of it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{ObjectWriter, activity};
use crate::domain::activity::StoredEntry;
use crate::domain::json::JsonText;
use crate::domain::webhook::{DueDelivery, StoredDelivery, Webhook, WebhookKind};

/// The object. A distribution has a name too.
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
            // Writing to a buffer does not fail.
            let _ = serde_json::to_writer(out, event);
        })
        .text("target_url", &webhook.target_url)
        .boolean("active", webhook.active)
        .end();
}

/// The message: the same bytes at every attempt, unless the webhook was changed or a person in it forgotten meanwhile.
#[must_use]
pub fn message(of: &DueDelivery) -> Vec<u8> {
    let entry = &of.entry;
    let mut out = Vec::with_capacity(entry.data.as_str().len() + 1024);
    ObjectWriter::new(&mut out)
        .text("id", &of.address.id)
        .text("project_id", &of.project_public_id)
        .time("created_at", of.created_at)
        .text("type", of.name.as_deref().unwrap_or(&entry.kind))
        .with("data", |out| write_data(out, entry))
        .object("source", |source| {
            source
                .text("id", &of.address.webhook_id)
                .text("object", of.kind.as_str())
                .text("target_url", &of.target_url);
        })
        .object("event", |event| {
            event
                .text("id", &entry.id)
                .text("type", &entry.kind)
                .time("created_at", entry.created_at)
                .text("entity_id", &of.customer_id)
                .text("group_id", &entry.group_id)
                .with("event_source", |out| activity::write_event_source(out, entry));
        })
        .end();
    out
}

/// The types whose published payloads have their members in the order of PostgreSQL's `jsonb`, throughout: the shorter name first,
/// and of equally long ones the smaller. Those of the others stand as they do in answers.
const ORDERED_LIKE_JSONB: [&str; 6] = [
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.consents.given",
    "customer.consents.revoked",
    "customer.order.updated",
];

fn write_data(out: &mut Vec<u8>, entry: &StoredEntry) {
    let begun = out.len();
    activity::write_payload(out, entry);
    if ORDERED_LIKE_JSONB.contains(&entry.kind.as_str())
        // The emulator wrote it.
        && let Ok(mut data) = serde_json::from_slice(&out[begun..])
    {
        order_like_jsonb(&mut data);
        out.truncate(begun);
        // Writing to a buffer does not fail.
        let _ = serde_json::to_writer(out, &data);
    }
}

fn order_like_jsonb(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
            sorted.sort_unstable_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
            for (_, member) in &mut sorted {
                order_like_jsonb(member);
            }
            members.extend(sorted);
        }
        Value::Array(items) => items.iter_mut().for_each(order_like_jsonb),
        _ => {}
    }
}

/// What became of a delivery.
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

/// What an attempt came to: a status that was answered, or why there is none.
pub fn write_attempt(
    out: &mut Vec<u8>,
    started_at: DateTime<Utc>,
    milliseconds: i64,
    status: Option<u16>,
    error: Option<&str>,
) {
    let mut object = ObjectWriter::new(out);
    object.time("created_at", started_at).number("milliseconds", milliseconds);
    match status {
        Some(status) => object.number("status", i64::from(status)),
        None => object.raw("status", "null"),
    };
    object.nullable_text("error", error).end();
}
