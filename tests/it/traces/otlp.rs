//! Reads the messages of OTLP, independently of the code that writes them.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A received span; ids as hexadecimal digits, and empty where there is none.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the fields have the names of the specification")]
pub struct Span {
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    pub name: String,
    pub kind: u64,
    pub start: u64,
    pub end: u64,
    pub flags: u64,
    pub is_error: bool,
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// Returns an attribute; an empty text where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    #[track_caller]
    pub fn number(&self, key: &str) -> i64 {
        self.text(key).parse().unwrap_or_else(|_| panic!("{key} of {self:?}"))
    }
}

/// Returns the spans of an `ExportTraceServiceRequest`, and checks its resource.
pub fn spans(message: &[u8]) -> Vec<Span> {
    let mut found = Vec::new();
    for resource_spans in messages(message, 1) {
        let resource = messages(resource_spans, 1)[0];
        let attributes: BTreeMap<_, _> = messages(resource, 1).into_iter().map(attribute).collect();
        assert_eq!(attributes["service.name"], "voucherify-emulator");
        assert_eq!(
            (attributes["service.version"].as_str(), attributes["service.instance.id"].len()),
            (env!("CARGO_PKG_VERSION"), 16)
        );
        for scope_spans in messages(resource_spans, 2) {
            found.extend(messages(scope_spans, 2).into_iter().map(span));
        }
    }
    found
}

fn span(message: &[u8]) -> Span {
    let mut span = Span::default();
    for (field, value) in fields(message) {
        match (field, value) {
            (1, Field::Bytes(id)) => span.trace_id = hexadecimal(id, 16),
            (2, Field::Bytes(id)) => span.span_id = hexadecimal(id, 8),
            (4, Field::Bytes(id)) => span.parent_id = hexadecimal(id, 8),
            (5, Field::Bytes(name)) => span.name = text(name),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(start)) => span.start = start,
            (8, Field::Number(end)) => span.end = end,
            (9, Field::Bytes(pair)) => span.attributes.extend([attribute(pair)]),
            (15, Field::Bytes(status)) => span.is_error = matches!(fields(status)[..], [(3, Field::Number(2))]),
            (16, Field::Number(flags)) => span.flags = flags,
            (other, _) => panic!("field {other}"),
        }
    }
    span
}

fn attribute(pair: &[u8]) -> (String, String) {
    let key = text(messages(pair, 1)[0]);
    let value = match fields(messages(pair, 2)[0])[..] {
        [(1, Field::Bytes(value))] => text(value),
        [(3, Field::Number(value))] => value.to_string(),
        _ => panic!("the value of {key}"),
    };
    (key, value)
}

#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn messages(message: &[u8], number: u64) -> Vec<&[u8]> {
    let of_number = |(field, value)| match value {
        Field::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(of_number).collect()
}

fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let value = match key & 7 {
            0 => Field::Number(varint(&mut message)),
            1 => Field::Number(u64::from_le_bytes(take(&mut message, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut message);
                Field::Bytes(take(&mut message, length.try_into().unwrap()))
            }
            5 => Field::Number(u32::from_le_bytes(take(&mut message, 4).try_into().unwrap()).into()),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(message, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn hexadecimal(bytes: &[u8], length: usize) -> String {
    assert_eq!(bytes.len(), length);
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
