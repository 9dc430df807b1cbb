//! Consents: their definitions, and what the payloads of activity entries say of them.

use super::{ObjectWriter, customer, list};
use crate::domain::consent::{Consent, ConsentDefinition, ConsentGroup};
use crate::domain::customer::Customer;

/// The payload of `customer.consents.given` and `customer.consents.revoked`.
pub fn write_payload(out: &mut Vec<u8>, consents: &[Consent], of: &Customer) {
    ObjectWriter::new(out)
        .array("consents", consents, |out, consent| {
            ObjectWriter::new(out)
                .text("id", &consent.id)
                .text("name", &consent.name)
                .raw("object", "\"consent\"")
                .end();
        })
        .with("customer", |out| customer::write_simple_in_event(out, of))
        .end();
}

/// The definition of a consent.
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

/// The definition of a group.
pub fn write_group(out: &mut Vec<u8>, group: &ConsentGroup) {
    ObjectWriter::new(out)
        .text("id", &group.id)
        .text("name", &group.name)
        .text("description", &group.description)
        .array("consents", &group.consents, |out, id| {
            // Writing to a buffer does not fail.
            let _ = serde_json::to_writer(out, id);
        })
        .time("created_at", group.created_at)
        .nullable_time("updated_at", group.updated_at)
        .raw("object", "\"consent_group\"")
        .end();
}

/// Everything that is defined: two lists in one object.
pub fn write_lists(out: &mut Vec<u8>, groups: &[ConsentGroup], consents: &[ConsentDefinition]) {
    let total = |len| i64::try_from(len).unwrap_or(i64::MAX);
    ObjectWriter::new(out)
        .with("groups", |out| list::write(out, "data", groups, write_group, total(groups.len()), None))
        .with("consents", |out| list::write(out, "data", consents, write, total(consents.len()), None))
        .end();
}
