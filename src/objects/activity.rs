//! The activity entry object.

use super::order;
use super::writer::ObjectWriter;
use crate::domain::activity::StoredEntry;

/// Writes the activity entry.
pub fn write(out: &mut Vec<u8>, entry: &StoredEntry) {
    ObjectWriter::new(out)
        .text("id", &entry.id)
        .text("type", &entry.kind)
        .object("data", |data| {
            data.with("data", |out| write_payload(out, entry))
                .with("event_source", |out| write_event_source(out, entry));
        })
        .time("created_at", entry.created_at)
        .text("group_id", &entry.group_id)
        .end();
}

/// Writes the stored payload. In payloads of orders it inserts the referrer, which is stored separately.
pub(super) fn write_payload(out: &mut Vec<u8>, entry: &StoredEntry) {
    if entry.kind.starts_with("customer.order.") {
        order::write_stored_payload(out, &entry.data, entry.referrer.as_ref());
    } else {
        out.extend_from_slice(entry.data.as_str().as_bytes());
    }
}

/// Writes the source of the change: the channel and the key.
pub(super) fn write_event_source(out: &mut Vec<u8>, entry: &StoredEntry) {
    let mut source = ObjectWriter::new(out);
    source.text("channel", entry.channel.as_str());
    if let Some(app_id) = &entry.app_id {
        source.object("api_key", |key| {
            key.text("name", entry.channel.family().key_name()).text("app_id", app_id);
        });
    }
    source.end();
}
