//! The consent objects, and the payload of consent activity entries.

use super::writer::ObjectWriter;
use super::{customer, list};
use crate::domain::consent::{Consent, ConsentDefinition, ConsentGroup};
use crate::domain::customer::Customer;

/// Writes the activity payload of `customer.consents.given` and `customer.consents.revoked`.
pub fn write_payload(out: &mut Vec<u8>, consents: &[Consent], customer: &Customer) {
    ObjectWriter::new(out)
        .array("consents", consents, |out, consent| {
            ObjectWriter::new(out)
                .text("id", &consent.id)
                .text("name", &consent.name)
                .raw("object", "\"consent\"")
                .end();
        })
        .with("customer", |out| customer::write_simple_in_event(out, customer))
        .end();
}

/// Writes the definition of a consent.
pub fn write(out: &mut Vec<u8>, consent: &ConsentDefinition) {
    ObjectWriter::new(out)
        .text("id", &consent.id)
        .text("name", &consent.name)
        .text("description", &consent.description)
        .text("category", &consent.category)
        .time("created_at", consent.created_at)
        .nullable_time("updated_at", consent.updated_at)
        .raw("object", "\"consent\"")
        .end();
}

/// Writes the definition of a consent group.
pub fn write_group(out: &mut Vec<u8>, group: &ConsentGroup) {
    ObjectWriter::new(out)
        .text("id", &group.id)
        .text("name", &group.name)
        .text("description", &group.description)
        .array("consents", &group.consents, |out, id| {
            // Writing to a buffer cannot fail.
            let _ = serde_json::to_writer(out, id);
        })
        .time("created_at", group.created_at)
        .nullable_time("updated_at", group.updated_at)
        .raw("object", "\"consent_group\"")
        .end();
}

/// Writes all definitions: the list of groups and the list of consents in one object.
pub fn write_lists(out: &mut Vec<u8>, groups: &[ConsentGroup], consents: &[ConsentDefinition]) {
    let total = |count| i64::try_from(count).unwrap_or(i64::MAX);
    ObjectWriter::new(out)
        .with("groups", |out| list::write(out, "data", groups, write_group, total(groups.len()), None))
        .with("consents", |out| list::write(out, "data", consents, write, total(consents.len()), None))
        .end();
}
