//! Custom events, in the answer and in the payload of the activity entry.

use super::{ObjectWriter, customer};
use crate::domain::customer::Customer;
use crate::domain::event::CustomEvent;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::EventSchema;

/// The answer of the call that tracks an event.
pub fn write(out: &mut Vec<u8>, event: &CustomEvent, of: &Customer) {
    ObjectWriter::new(out)
        .raw("object", "\"event\"")
        .text("type", &event.name)
        .with("customer", |out| customer::write_simple(out, of))
        .raw("referral", json_or_null(event.referral.as_ref()))
        .raw("loyalty", json_or_null(event.loyalty.as_ref()))
        .raw("metadata", event.metadata.as_str())
        .end();
}

/// The payload of `customer.custom_event`.
pub fn write_payload(out: &mut Vec<u8>, event: &CustomEvent, of: &Customer, schema: Option<&EventSchema>) {
    // Of a referral, which may name another person, nothing is kept.
    let referral = "null";
    let loyalty = json_or_null(event.loyalty.as_ref());
    ObjectWriter::new(out)
        .object("event", |object| {
            object
                .text("id", &event.id)
                .raw("object", "\"event\"")
                .text("type", &event.name)
                .object("customer", |customer| {
                    customer.text("id", &of.id);
                })
                .raw("referral", referral)
                .raw("loyalty", loyalty)
                .raw("metadata", event.metadata.as_str())
                .time("created_at", event.created_at);
        })
        .with("event_schema", |out| match schema {
            Some(schema) => ObjectWriter::new(out).text("id", &schema.id).text("name", &schema.name).end(),
            None => out.extend_from_slice(b"null"),
        })
        .with("customer", |out| customer::write_simple_in_event(out, of))
        .raw("referral", referral)
        .raw("loyalty", loyalty)
        .end();
}

fn json_or_null(json: Option<&JsonText>) -> &str {
    json.map_or("null", JsonText::as_str)
}
