//! The custom event object, in the answer and in the payload of the activity entry.

use super::customer;
use super::writer::ObjectWriter;
use crate::domain::customer::Customer;
use crate::domain::event::CustomEvent;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::EventSchema;

/// Writes the answer to the request that tracks an event.
pub fn write(out: &mut Vec<u8>, event: &CustomEvent, customer: &Customer) {
    ObjectWriter::new(out)
        .raw("object", "\"event\"")
        .text("type", &event.name)
        .with("customer", |out| customer::write_simple(out, customer))
        .raw("referral", json_or_null(event.referral.as_ref()))
        .raw("loyalty", json_or_null(event.loyalty.as_ref()))
        .raw("metadata", event.metadata.as_str())
        .end();
}

/// Writes the payload of `customer.custom_event`.
pub fn write_payload(out: &mut Vec<u8>, event: &CustomEvent, customer: &Customer, schema: Option<&EventSchema>) {
    // Referrals are not stored, because they may identify another customer.
    let referral = "null";
    let loyalty = json_or_null(event.loyalty.as_ref());
    ObjectWriter::new(out)
        .object("event", |object| {
            object
                .text("id", &event.id)
                .raw("object", "\"event\"")
                .text("type", &event.name)
                .object("customer", |object| {
                    object.text("id", &customer.id);
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
        .with("customer", |out| customer::write_simple_in_event(out, customer))
        .raw("referral", referral)
        .raw("loyalty", loyalty)
        .end();
}

fn json_or_null(json: Option<&JsonText>) -> &str {
    json.map_or("null", JsonText::as_str)
}
