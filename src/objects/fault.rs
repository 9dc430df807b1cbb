//! A fault.

use super::writer::{ObjectWriter, members};
use crate::domain::fault::Fault;

/// Writes the fault.
pub fn write(out: &mut Vec<u8>, fault: &Fault) {
    // A rule consists of texts and numbers, so that it can be written.
    let rule = serde_json::to_string(&fault.rule).unwrap_or_default();
    ObjectWriter::new(out)
        .text("id", &fault.id)
        .text("object", "fault")
        .raw_members(members(&rule))
        .number("matches", fault.matches)
        .number("hits", fault.hits)
        .end();
}
