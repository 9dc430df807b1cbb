//! A request of the request log.

use super::writer::ObjectWriter;
use crate::domain::logged_request::{LoggedRequest, Texts};

/// Writes the request.
pub fn write(out: &mut Vec<u8>, request: &LoggedRequest) {
    let Texts { id, request_id, method, path, query, request_body, response_body } = request.texts();
    let details = &request.details;
    let mut object = ObjectWriter::new(out);
    object
        .text("id", id)
        .text("request_id", request_id)
        .time("at", details.at)
        .with("duration_ms", |out| write_millis(out, details.duration_micros))
        .text("method", method)
        .text("path", path)
        .text("query", query)
        .nullable_text("operation", details.operation)
        .number("status", i64::from(details.status));
    write_body(&mut object, "request_body", request_body, details.request_body_length);
    write_body(&mut object, "response_body", response_body, details.response_body_length);
    object
        .array("unread", &details.unread, write_text)
        .array("near", &details.near, write_text)
        .nullable_text("fault", details.fault.as_deref())
        .end();
}

/// Writes a body. A mark at its end says where it was cut, and how long it was.
fn write_body(object: &mut ObjectWriter<'_>, name: &str, body: &str, length: Option<u64>) {
    match length {
        Some(length) => object.text(name, &format!("{body}...[cut, the body has {length} bytes]")),
        None => object.text(name, body),
    };
}

fn write_text(out: &mut Vec<u8>, text: &String) {
    // Writing to a buffer cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes microseconds as milliseconds.
fn write_millis(out: &mut Vec<u8>, micros: u64) {
    #[allow(clippy::cast_precision_loss, reason = "a duration is far below 2^53 microseconds")]
    let millis = micros as f64 / 1_000.0;
    let _ = serde_json::to_writer(out, &millis);
}
