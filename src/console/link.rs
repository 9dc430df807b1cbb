//! The URLs of the console, and how texts are written in them.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The path of the first page. All others are below it.
pub const PATH: &str = "/_emulator/console";

/// The path of the sign-in, the only page that needs none.
pub const SIGN_IN: &str = "/_emulator/console/sign-in";

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns an identifier as one segment of a path, or as a value of a query.
pub fn encoded(text: &str) -> String {
    // A segment of dots alone would be removed by browsers.
    if !text.is_empty() && text.bytes().all(|byte| byte == b'.') {
        return text.replace('.', "%2E");
    }
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Returns a path with a query of the parameters that have a value.
pub fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut link = path.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        let separator = if link.contains('?') { '&' } else { '?' };
        // Writing to a text cannot fail.
        let _ = write!(link, "{separator}{}={}", encoded(name), encoded(value));
    }
    link
}

/// A link with its text.
#[derive(Clone, Debug)]
pub struct Link {
    pub href: String,
    pub text: String,
}

impl Link {
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into() }
    }
}

/// Returns a link with a query that is encoded already.
pub fn with_encoded_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Returns the location if it is a page of the console, and otherwise the first page.
pub fn own_location(location: &str) -> &str {
    let is_own = location.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let is_plain = location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own && is_plain { location } else { PATH }
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_encode_identifiers() {
        assert_eq!(encoded("a/b?c d@e.f"), "a%2Fb%3Fc%20d%40e.f");
        assert_eq!(encoded(".."), "%2E%2E");
        assert_eq!(with_query("/a", &[("q", "b c"), ("none", ""), ("d[e]", "1")]), "/a?q=b%20c&d%5Be%5D=1");
    }

    #[test]
    fn only_pages_of_the_console_are_own_locations() {
        for own in ["/_emulator/console", "/_emulator/console/projects?q=a%20b", "/_emulator/console?a=1"] {
            assert_eq!(own_location(own), own);
        }
        for other in
            ["//evil.example", "https://evil.example", "/_emulator/consoles", "/_emulator/console/\r\nx: y", ""]
        {
            assert_eq!(own_location(other), PATH);
        }
    }
}
