//! The segment object and its short form.

use super::customer;
use super::writer::ObjectWriter;
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::segment::{Segment, SegmentName};

/// Writes the segment, without its members.
pub fn write(out: &mut Vec<u8>, segment: &Segment) {
    ObjectWriter::new(out)
        .text("id", &segment.id)
        .text("name", &segment.name)
        .time("created_at", segment.created_at)
        .nullable_time("updated_at", segment.updated_at)
        .text("type", segment.kind.as_str())
        .raw("filter", segment.filter.as_ref().map_or("null", JsonText::as_str))
        .raw("object", "\"segment\"")
        .end();
}

/// Writes the short form, used in the list of a customer's segments.
pub fn write_simple(out: &mut Vec<u8>, segment: &SegmentName) {
    ObjectWriter::new(out).text("id", &segment.id).text("name", &segment.name).raw("object", "\"segment\"").end();
}

/// Writes the payload of `customer.segment.entered` and `customer.segment.left`.
pub fn write_payload(out: &mut Vec<u8>, customer: &Customer, segment: &SegmentName) {
    ObjectWriter::new(out)
        .with("customer", |out| customer::write_full(out, customer))
        .with("segment", |out| write_simple(out, segment))
        .end();
}
