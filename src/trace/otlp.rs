//! The message `ExportTraceServiceRequest` of OTLP 1, in the binary encoding of Protocol Buffers. The numbers of the fields are those of
//! `opentelemetry/proto/trace/v1/trace.proto`.

use super::record::{SpanData, Value};

/// The types of fields on the wire.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// Bits of the field `flags` of a span: whether it is known where the parent is, and whether it is in another program.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// The code of a status that is an error.
const ERROR: u64 = 2;

/// Returns the message with these spans. `instance` distinguishes this process from others of the same service.
pub(super) fn message(spans: &[SpanData], instance: &str) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(256 * spans.len() + 256));
    out.message(1, |resource_spans| {
        resource_spans.message(1, |resource| {
            resource.attribute(1, "service.name", &Value::Text("voucherify-emulator".into()));
            resource.attribute(1, "service.version", &Value::Text(env!("CARGO_PKG_VERSION").into()));
            resource.attribute(1, "service.instance.id", &Value::Text(instance.to_owned().into()));
        });
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| scope.bytes(1, b"voucherify-emulator"));
            for span in spans {
                scope_spans.message(2, |out| out.span(span));
            }
        });
    });
    out.0
}

/// Writes the fields of a message.
struct Writer(Vec<u8>);

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap_or_default());
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, BYTES);
        self.varint(u64::try_from(value.len()).unwrap_or_default());
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u64, value: u64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(&mut self, field: u64, value: u32) {
        self.key(field, FIXED32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self(Vec::new());
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn attribute(&mut self, field: u64, key: &str, value: &Value) {
        self.message(field, |pair| {
            pair.bytes(1, key.as_bytes());
            pair.message(2, |any| match value {
                Value::Text(text) => any.bytes(1, text.as_bytes()),
                // Negative numbers are written as their two's complement.
                Value::Number(number) => any.number(3, number.cast_unsigned()),
            });
        });
    }

    fn span(&mut self, span: &SpanData) {
        self.bytes(1, &span.trace_id);
        self.bytes(2, &span.span_id);
        if let Some(parent_id) = &span.parent_id {
            self.bytes(4, parent_id);
        }
        self.bytes(5, span.name.as_bytes());
        self.number(6, span.kind as u64);
        let duration = u64::try_from(span.duration.as_nanos()).unwrap_or(u64::MAX);
        self.fixed64(7, span.started_at);
        self.fixed64(8, span.started_at.saturating_add(duration));
        for (key, value) in &span.attributes {
            self.attribute(9, key, value);
        }
        if span.is_error {
            self.message(15, |status| status.number(3, ERROR));
        }
        let remote = if span.has_remote_parent { IS_REMOTE } else { 0 };
        self.fixed32(16, u32::from(span.flags) | HAS_IS_REMOTE | remote);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::record::Kind;
    use super::*;

    #[test]
    fn a_span_is_encoded_as_the_specification_says() {
        let span = SpanData {
            trace_id: [0x11; 16],
            span_id: [0x22; 8],
            parent_id: Some([0x33; 8]),
            has_remote_parent: true,
            flags: 1,
            name: "n",
            kind: Kind::Server,
            started_at: 1_000,
            duration: Duration::from_nanos(500),
            attributes: vec![("k", Value::Number(300)), ("t", Value::Text("v".into()))],
            is_error: true,
        };
        let mut out = Writer(Vec::new());
        out.span(&span);
        let expected = [
            &[0x0a, 16][..],
            &[0x11; 16],
            &[0x12, 8],
            &[0x22; 8],
            &[0x22, 8],
            &[0x33; 8],
            &[0x2a, 1, b'n', 0x30, 2],
            &[0x39, 0xe8, 3, 0, 0, 0, 0, 0, 0],
            &[0x41, 0xdc, 5, 0, 0, 0, 0, 0, 0],
            &[0x4a, 8, 0x0a, 1, b'k', 0x12, 3, 0x18, 0xac, 2],
            &[0x4a, 8, 0x0a, 1, b't', 0x12, 3, 0x0a, 1, b'v'],
            &[0x7a, 2, 0x18, 2],
            &[0x85, 1, 1, 3, 0, 0],
        ];
        assert_eq!(out.0, expected.concat());
    }
}
