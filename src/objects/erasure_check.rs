//! The answer to an erasure check.

use super::writer::ObjectWriter;
use crate::domain::erasure_check::{ErasureCheck, FoundText};

/// Writes the answer.
pub fn write(out: &mut Vec<u8>, check: &ErasureCheck) {
    ObjectWriter::new(out)
        .raw("object", "\"erasure_check\"")
        .number("tables", check.tables)
        .number("rows", check.rows)
        .boolean("clean", check.found.is_empty())
        .array("found", &check.found, write_found)
        .end();
}

fn write_found(out: &mut Vec<u8>, found: &FoundText) {
    ObjectWriter::new(out).text("table", &found.table).text("column", &found.column).number("rows", found.rows).end();
}
