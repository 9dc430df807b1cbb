//! The permanent deletion object.

use super::writer::ObjectWriter;
use crate::domain::deletion::{PermanentDeletion, RecordedDeletion};

/// Writes the object. The vendor's API misspells the value of `object` in the same way.
pub fn write(out: &mut Vec<u8>, deletion: &PermanentDeletion) {
    let mut object = ObjectWriter::new(out);
    write_members(&mut object, deletion);
    object.end();
}

/// Writes the object with the number of removed rows by table, which the vendor does not show.
pub fn write_recorded(out: &mut Vec<u8>, recorded: &RecordedDeletion) {
    let mut object = ObjectWriter::new(out);
    write_members(&mut object, &recorded.deletion);
    object.raw("removed", recorded.removed.as_str()).end();
}

fn write_members(object: &mut ObjectWriter<'_>, deletion: &PermanentDeletion) {
    let counts = deletion.counts;
    object
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
        .raw("object", "\"pernament_deletion\"");
}
