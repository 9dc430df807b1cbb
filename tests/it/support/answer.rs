//! What a call was answered, and how a test looks at it.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer, read to its end.
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

    /// The strings at `member` of the rows under `list`.
    #[track_caller]
    pub fn column(&self, list: &str, member: &str) -> Vec<String> {
        let rows = self.json()[list].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone();
        rows.iter().map(|row| row[member].as_str().unwrap_or("null").to_owned()).collect()
    }

    /// The body, byte for byte, with every generated identifier and time replaced by its form: an id of another form than
    /// the vendor's stays, and fails the comparison.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        // Identifiers and times are whole strings, or follow a known prefix inside of one.
        for (index, piece) in self.text.split('"').enumerate() {
            if index > 0 {
                shape.push('"');
            }
            shape.push_str(&generalise(piece));
        }
        shape
    }
}

fn generalise(text: &str) -> String {
    for (prefix, length, hexadecimal) in [
        ("cust_", 24, false),
        ("del_", 24, false),
        ("seg_", 24, false),
        ("ms_", 24, false),
        ("ord_", 18, true),
        ("v-", 18, true),
        ("evcus_", 18, true),
        ("event_", 18, true),
        ("aa_", 18, true),
        ("exp_", 24, false),
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
