//! The vendor's list shapes.

use super::ObjectWriter;

/// A list whose rows stand under `data_ref`, with the number of all rows that match.
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

/// A list that is continued after an id, without a total: `more_starting_after` is that id where there is more.
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

/// The list of something that is never there.
pub fn write_empty(out: &mut Vec<u8>) {
    write(out, "data", std::iter::empty(), |_, ()| {}, 0, Some(false));
}
