//! The response to a request, with accessors that fail the test.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A response with its complete body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub fn string(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    /// Returns the string `member` of each row of `list`, and `null` for a row without it.
    #[track_caller]
    pub fn column(&self, list: &str, member: &str) -> Vec<String> {
        let rows = self.json()[list].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone();
        rows.iter().map(|row| row[member].as_str().unwrap_or("null").to_owned()).collect()
    }

    /// Returns [`Self::shape`] in lines, for an inline snapshot. Members keep their order, and what fits into a line is shown as
    /// it was sent.
    pub fn snapshot(&self) -> String {
        let mut lines = String::new();
        break_lines(&self.shape(), 0, &mut lines);
        lines
    }

    /// Returns the body with every generated identifier and time replaced by a placeholder. An identifier that does not
    /// have the vendor's form is not replaced, so that the comparison fails.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        // Identifiers and times are whole JSON strings.
        for (index, piece) in self.text.split('"').enumerate() {
            if index > 0 {
                shape.push('"');
            }
            shape.push_str(&replace_generated(piece));
        }
        shape
    }
}

/// Appends the JSON text to `lines`: an object or array that is too long for a line gets a line for each of its items.
fn break_lines(json: &str, indent: usize, lines: &mut String) {
    const WIDTH: usize = 100;
    if indent + json.len() <= WIDTH || !json.starts_with(['{', '[']) {
        return lines.push_str(json);
    }
    let (open, rest) = json.split_at(1);
    let (inner, close) = rest.split_at(rest.len() - 1);
    lines.push_str(open);
    for (index, item) in items(inner).into_iter().enumerate() {
        lines.push_str(if index == 0 { "\n" } else { ",\n" });
        lines.extend(std::iter::repeat_n(' ', indent + 2));
        let name = if open == "{" { item.find("\":").map_or(0, |end| end + 2) } else { 0 };
        lines.push_str(&item[..name]);
        if name > 0 {
            lines.push(' ');
        }
        break_lines(&item[name..], indent + 2, lines);
    }
    lines.push('\n');
    lines.extend(std::iter::repeat_n(' ', indent));
    lines.push_str(close);
}

/// Splits the inside of a JSON object or array at its commas.
fn items(inner: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0);
    let (mut is_string, mut is_escaped) = (false, false);
    for (at, character) in inner.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_string => is_escaped = true,
            '"' => is_string = !is_string,
            _ if is_string => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&inner[start..]);
    items
}

fn replace_generated(text: &str) -> String {
    for (prefix, length, hexadecimal) in [
        ("cust_", 24, false),
        ("ucust_", 24, false),
        ("del_", 24, false),
        ("seg_", 24, false),
        ("ms_", 24, false),
        ("ord_", 18, true),
        ("v-", 18, true),
        ("evcus_", 18, true),
        ("event_", 18, true),
        ("aa_", 18, true),
        ("exp_", 24, false),
        ("wh_", 24, false),
        ("distr_", 24, false),
        ("whs_", 18, true),
        ("proj_", 12, false),
    ] {
        if let Some(tail) = text.strip_prefix(prefix) {
            let fits = |byte: u8| {
                if hexadecimal { matches!(byte, b'0'..=b'9' | b'a'..=b'f') } else { byte.is_ascii_alphanumeric() }
            };
            if tail.len() == length && tail.bytes().all(fits) {
                return format!("<{prefix}>");
            }
        }
    }
    if is_time(text) { "<time>".to_owned() } else { text.to_owned() }
}

/// Whether `text` is a time as the vendor writes it, `2024-02-01T11:16:40.918Z`.
pub fn is_time(text: &str) -> bool {
    text.len() == 24
        && text.bytes().zip("0000-00-00T00:00:00.000Z".bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}
