//! The context of a trace, as the headers `traceparent` and `tracestate` carry it (W3C Trace Context).

use std::fmt::Write;

/// How long a `tracestate` may be. A longer one is not handed on, which the specification allows.
const MAX_STATE_CHARS: usize = 512;
/// How many entries a `tracestate` may have.
const MAX_STATE_ENTRIES: usize = 32;
/// The flag that says that the caller records the trace.
const SAMPLED: u8 = 0b01;
/// The flags that are handed on: whether the trace is recorded, and whether its id is random.
const KNOWN_FLAGS: u8 = 0b11;

/// A place in a trace: the trace, and the span in it whose consequence something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    flags: u8,
    /// What the systems of the caller have added for themselves. It is handed on unread.
    state: Option<Box<str>>,
}

impl TraceContext {
    /// Returns the context of the first span of a trace that is recorded.
    #[must_use]
    pub fn root(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        Self { trace_id, span_id, flags: SAMPLED, state: None }
    }

    /// Parses the values of the two headers; `None` where the `traceparent` is not valid. A `tracestate` that is not valid, or too long, is
    /// left out.
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let (version, rest) = (bytes.get(..2)?, bytes.get(55..)?);
        let [version] = hexadecimal::<1>(version)?;
        // Later versions may have more fields behind those of the first one.
        let is_length_valid = rest.is_empty() || (version > 0 && rest[0] == b'-');
        let are_dashes_valid = [2, 35, 52].into_iter().all(|place| bytes[place] == b'-');
        if version == 0xff || !is_length_valid || !are_dashes_valid {
            return None;
        }
        let (trace_id, span_id) = (hexadecimal::<16>(&bytes[3..35])?, hexadecimal::<8>(&bytes[36..52])?);
        let [flags] = hexadecimal::<1>(&bytes[53..55])?;
        if trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        let state = tracestate.map(str::trim).filter(|state| is_valid_state(state)).map(Box::from);
        Some(Self { trace_id, span_id, flags: flags & KNOWN_FLAGS, state })
    }

    /// Returns whether the trace is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the flags of the `traceparent`.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns the context of another span of the trace.
    #[must_use]
    pub fn of_span(&self, span_id: [u8; 8]) -> Self {
        Self { span_id, ..self.clone() }
    }

    /// Returns the value of the header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        push_hexadecimal(&mut text, &self.trace_id);
        text.push('-');
        push_hexadecimal(&mut text, &self.span_id);
        text.push('-');
        push_hexadecimal(&mut text, &[self.flags]);
        text
    }

    /// Returns the value of the header `tracestate`, if there is one.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the text that is stored with what a request causes: the `traceparent`, and behind a space the `tracestate`.
    #[must_use]
    pub fn to_stored(&self) -> String {
        let mut text = self.traceparent();
        if let Some(state) = &self.state {
            text.push(' ');
            text.push_str(state);
        }
        text
    }

    /// Parses a text of [`TraceContext::to_stored`].
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some((traceparent, tracestate)) => Self::parse(traceparent, Some(tracestate)),
            None => Self::parse(text, None),
        }
    }
}

/// Returns the bytes that lower-case hexadecimal digits write.
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    (digits.len() == 2 * N).then_some(bytes)
}

fn push_hexadecimal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

/// Returns whether a text is a list of `key=value` entries.
fn is_valid_state(text: &str) -> bool {
    let is_key = |key: &str| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
        !key.is_empty() && key.bytes().all(is_letter)
    };
    let is_value =
        |value: &str| !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    let is_entry = |entry: &str| {
        let entry = entry.trim_matches([' ', '\t']);
        entry.is_empty() || entry.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
    };
    !text.is_empty()
        && text.len() <= MAX_STATE_CHARS
        && text.split(',').count() <= MAX_STATE_ENTRIES
        && text.split(',').all(is_entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_context_is_read_and_written() {
        let context = TraceContext::parse(VALID, Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")).unwrap();
        assert!(context.is_sampled());
        assert_eq!(context.traceparent(), VALID);
        assert_eq!(context.tracestate(), Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"));
        assert_eq!(TraceContext::from_stored(&context.to_stored()), Some(context.clone()));
        let other = context.of_span([1; 8]);
        assert_eq!(other.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01");
        assert_eq!(other.tracestate(), context.tracestate());
    }

    #[test]
    fn the_flags_of_a_later_version_are_kept_as_far_as_they_are_known() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe-what-the-future-brings";
        let context = TraceContext::parse(later, None).unwrap();
        assert!(!context.is_sampled());
        assert_eq!(context.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02");
    }

    #[test]
    fn an_invalid_context_is_not_read() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
            "00-äbf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text, None), None, "{text}");
        }
    }

    #[test]
    fn an_invalid_state_is_left_out() {
        let state = |text: &str| TraceContext::parse(VALID, Some(text)).unwrap().tracestate().map(str::to_owned);
        assert_eq!(state(" a=1, b@c=2,, "), Some("a=1, b@c=2,,".to_owned()));
        let long = format!("a={}", "x".repeat(MAX_STATE_CHARS));
        let many = vec!["a=1"; MAX_STATE_ENTRIES + 1].join(",");
        for text in ["", "a", "A=1", "a=", "a=b=c", "a=ä", long.as_str(), many.as_str()] {
            assert_eq!(state(text), None, "{text}");
        }
    }
}
