//! Consents, in the payloads of the activity entries.

use super::{ObjectWriter, customer};
use crate::domain::consent::Consent;
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
