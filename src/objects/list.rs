//! The vendor's list objects.

use super::writer::ObjectWriter;

/// Writes a list. `data_ref` names the member that holds the rows; `total` counts all matching rows.
pub fn write<T>(
    out: &mut Vec<u8>,
    data_ref: &str,
    rows: impl IntoIterator<Item = T>,
    write_row: impl FnMut(&mut Vec<u8>, T),
    total: i64,
    has_more: Option<bool>,
) {
    let mut object = ObjectWriter::new(out);
    object.raw("object", "\"list\"").text("data_ref", data_ref).array(data_ref, rows, write_row).number("total", total);
    if let Some(has_more) = has_more {
        object.boolean("has_more", has_more);
    }
    object.end();
}

/// Writes a list without a total. Where there are more rows, `more_starting_after` is the id after which the next page
/// begins.
pub fn write_continued<T>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = T>,
    write_row: impl FnMut(&mut Vec<u8>, T),
    more_starting_after: Option<&str>,
) {
    let mut object = ObjectWriter::new(out);
    object
        .raw("object", "\"list\"")
        .raw("data_ref", "\"data\"")
        .array("data", rows, write_row)
        .boolean("has_more", more_starting_after.is_some());
    if let Some(id) = more_starting_after {
        object.text("more_starting_after", id);
    }
    object.end();
}

/// Writes an empty list, for objects that the emulator never has.
pub fn write_empty(out: &mut Vec<u8>) {
    write(out, "data", std::iter::empty(), |_, ()| {}, 0, Some(false));
}
