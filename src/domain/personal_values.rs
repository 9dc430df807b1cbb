//! Finds the identifiers of a person in texts of any form.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The length below which a value counts only as a whole word, because it would be a part of many other texts otherwise.
const MIN_CHARS_WITHIN_WORDS: usize = 4;
/// How many bytes at the end of a text that was cut must be the beginning of a value to count as the value.
const MIN_CUT_BYTES: usize = 4;

/// The identifiers of a person, in lower case: ids, e-mail addresses, telephone numbers.
#[derive(Clone, Debug)]
pub struct PersonalValues(Vec<String>);

impl PersonalValues {
    /// Returns the values that are not empty.
    pub fn new<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Self {
        Self(values.into_iter().map(|value| value.as_ref().to_lowercase()).filter(|value| !value.is_empty()).collect())
    }

    /// Returns whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the text holds one of the values: as it stands, percent-encoded, or escaped as in JSON, in any case of letters.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.search(text, Self::are_in_plain)
    }

    /// Returns whether the text, whose end was cut off, holds one of the values or ends with the beginning of one.
    #[must_use]
    pub fn are_in_cut(&self, text: &str) -> bool {
        self.search(text, |values, text| {
            values.are_in_plain(text) || values.0.iter().any(|value| ends_within(text, value))
        })
    }

    fn search(&self, text: &str, is_found: impl Fn(&Self, &str) -> bool) -> bool {
        let text = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
        if is_found(self, &text) {
            return true;
        }
        let unescaped = if text.contains('\\') { unescape(&text) } else { Cow::Borrowed(text.as_str()) };
        let is_unescaped = matches!(unescaped, Cow::Owned(_));
        if is_unescaped && is_found(self, &unescaped.to_lowercase()) {
            return true;
        }
        (text.contains('%') || text.contains('+')) && {
            // In a query, a space may be sent as `+`, and a plus as `%2B`.
            let spaced = text.replace('+', " ");
            [text.as_str(), spaced.as_str()]
                .iter()
                .any(|text| is_found(self, &percent_decode_str(text).decode_utf8_lossy().to_lowercase()))
        }
    }

    fn are_in_plain(&self, text: &str) -> bool {
        self.0.iter().any(|value| {
            if value.chars().count() >= MIN_CHARS_WITHIN_WORDS {
                return text.contains(value);
            }
            text.match_indices(value).any(|(start, found)| {
                let (before, after) = (&text[..start], &text[start + found.len()..]);
                !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
            })
        })
    }
}

/// Returns whether the text ends with the beginning of the value.
fn ends_within(text: &str, value: &str) -> bool {
    (MIN_CUT_BYTES..value.len())
        .filter(|&length| value.is_char_boundary(length))
        .any(|length| text.ends_with(&value[..length]))
}

/// Returns the text with the escapes of JSON strings replaced by what they stand for.
fn unescape(text: &str) -> Cow<'_, str> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        let escape = &rest[at + 1..];
        let code = escape.strip_prefix('u').and_then(|hex| hex.get(..4));
        if let Some(unit) = code.and_then(|hex| u16::from_str_radix(hex, 16).ok()) {
            units.push(unit);
            rest = &escape[5..];
            continue;
        }
        let Some(letter) = escape.chars().next() else { break };
        let plain = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            other => other,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
        rest = &escape[letter.len_utf8()..];
    }
    units.extend(rest.encode_utf16());
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_form() {
        let values = PersonalValues::new(["Alice+x@Morgan.com", "", "Käthe \"K\"", "+49 123"]);
        for text in [
            "alice+x@morgan.com",
            "?email=ALICE%2Bx%40morgan.com",
            r#"{"email":"alice\u002Bx\u0040morgan.com"}"#,
            r#"{"name":"K\u00e4the \"K\""}"#,
            r#"{"name":"Käthe \"K\""}"#,
            "/v1/customers/k%C3%A4the%20%22K%22",
            "?name=k%C3%A4the+%22K%22",
            "phone=%2B49+123",
            r#"{"phone":"+49 123"}"#,
        ] {
            assert!(values.are_in(text), "{text}");
        }
        for text in ["bob@morgan.com", r"\", r"\u12", "%", "", "alice x@morgan.co"] {
            assert!(!values.are_in(text), "{text}");
        }
    }

    #[test]
    fn a_short_value_counts_as_a_whole_word_only() {
        let values = PersonalValues::new(["a1"]);
        assert!(values.are_in("/v1/customers/a1") && values.are_in(r#"{"source_id":"a1"}"#));
        assert!(!values.are_in("ba1") && !values.are_in("a12"));
    }

    #[test]
    fn the_beginning_of_a_value_counts_at_the_end_of_a_text_that_was_cut() {
        let values = PersonalValues::new(["alice@morgan.com"]);
        assert!(values.are_in_cut(r#"{"email":"alice@mo"#) && !values.are_in(r#"{"email":"alice@mo"#));
        assert!(!values.are_in_cut(r#"{"name":"al"#));
    }
}
