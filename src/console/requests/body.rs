//! A body of a logged request.

use serde::de::IgnoredAny;

use crate::console::view::count;

/// A body as the page shows it.
pub struct Body {
    pub text: String,
    /// What is missing of it.
    pub note: String,
}

impl Body {
    /// Returns the body; JSON is indented. `length` is that of a body of which only the beginning was kept.
    pub fn new(text: &str, length: Option<u64>) -> Self {
        let note = length.map(|length| {
            let bytes = count(i64::try_from(length).unwrap_or(i64::MAX), "byte", "bytes");
            format!("The request log keeps the beginning only. The whole body has {bytes}.")
        });
        Self { text: indented(text).unwrap_or_else(|| text.to_owned()), note: note.unwrap_or_default() }
    }
}

/// Returns whether a text is JSON.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns JSON with one member on each line; `None` for other text. All tokens stay as they were sent, so that the page also shows repeated
/// members and the form of numbers.
fn indented(text: &str) -> Option<String> {
    if !is_json(text) {
        return None;
    }
    let mut out = String::with_capacity(2 * text.len());
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    let mut characters = text.chars().filter(|character| !matches!(character, '\n' | '\r' | '\t')).peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(character) = characters.next() {
        if in_string {
            out.push(character);
            in_string = character != '"' || is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            continue;
        }
        match character {
            ' ' => {}
            '{' | '[' => {
                out.push(character);
                while characters.next_if_eq(&' ').is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = character == '"';
                out.push(character);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_its_tokens_stay() {
        let shown = indented("{\"a\":[1.50,{ },[]],\n\t\"b\" : \"x\\\\\\\", {:}\" , \"a\":1e2}");
        assert_eq!(
            shown.as_deref(),
            Some("{\n  \"a\": [\n    1.50,\n    {},\n    []\n  ],\n  \"b\": \"x\\\\\\\", {:}\",\n  \"a\": 1e2\n}")
        );
        assert_eq!(indented("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(indented("{\"a\":"), None);
        assert_eq!(indented("a=b&c"), None);
    }

    #[test]
    fn a_body_that_was_cut_says_so() {
        let body = Body::new("{\"a\":", Some(20_000));
        assert_eq!((body.text.as_str(), body.note.contains("20,000 bytes")), ("{\"a\":", true));
        assert_eq!(Body::new("", None).note, "");
    }
}
