//! The permanent deletion object.

use super::writer::ObjectWriter;
use crate::domain::deletion::PermanentDeletion;

/// Writes the object. The vendor's API misspells the value of `object` in the same way.
pub fn write(out: &mut Vec<u8>, deletion: &PermanentDeletion) {
    let counts = deletion.counts;
    ObjectWriter::new(out)
        .text("id", &deletion.id)
        .time("created_at", deletion.created_at)
        .text("related_object_id", &deletion.customer_id)
        .raw("related_object", "\"customer\"")
        .raw("status", "\"DONE\"")
        .object("data_json", |data| {
            data.number("events", counts.events)
                .number("customer_events", counts.customer_events)
                .number("daily_events", counts.daily_events)
                .number("segments", counts.segments)
                .number("orders", counts.orders)
                .number("order_events", counts.order_events)
                .number("customer", 1);
        })
        .raw("object", "\"pernament_deletion\"")
        .end();
}
