//! The objects of a state document: those of the API, with what the API does not show.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::writer::ObjectWriter;
use super::{customer, segment};
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::segment::{Segment, SegmentType};

/// Writes a customer with its consents, with what the emulator's own API has set, and with the time of its soft deletion.
pub fn write_customer(
    out: &mut Vec<u8>,
    customer: &Customer,
    consents: Option<&JsonText>,
    deleted_at: Option<DateTime<Utc>>,
) {
    customer::write_full(out, customer);
    let mut object = ObjectWriter::reopen(out);
    object.optional_json("consents", consents);
    if let Some(Value::Object(mut state)) = customer.state.as_ref().map(JsonText::value) {
        object.object("state", |object| {
            if let Some(redemptions) = state.shift_remove("redemptions") {
                object.object("summary", |summary| {
                    summary.raw("redemptions", JsonText::of(&redemptions).as_str());
                });
            }
            for (name, value) in &state {
                object.raw(name, JsonText::of(value).as_str());
            }
        });
    }
    object.optional_time("deleted_at", deleted_at).end();
}

/// Writes a custom event with its customer.
pub fn write_event(
    out: &mut Vec<u8>,
    id: &str,
    name: &str,
    customer_id: &str,
    metadata: &JsonText,
    created_at: DateTime<Utc>,
) {
    ObjectWriter::new(out)
        .text("id", id)
        .raw("object", "\"event\"")
        .text("type", name)
        .object("customer", |customer| {
            customer.text("id", customer_id).raw("object", "\"customer\"");
        })
        .raw("metadata", metadata.as_str())
        .time("created_at", created_at)
        .end();
}

/// Writes a segment, a static one with the ids of its customers.
pub fn write_segment(out: &mut Vec<u8>, segment: &Segment, customer_ids: &[String]) {
    segment::write(out, segment);
    if segment.kind == SegmentType::Static {
        let mut object = ObjectWriter::reopen(out);
        object.array("customers", customer_ids, |out, id| {
            // Writing to a buffer cannot fail.
            let _ = serde_json::to_writer(out, id);
        });
        object.end();
    }
}
