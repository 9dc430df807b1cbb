//! Patterns that match the paths of requests.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A pattern of paths: `*` stands for one segment, and a last `**` for all segments that follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathPattern(String);

impl PathPattern {
    /// Returns the pattern with that text. One slash at the end is ignored, as it is in the path of a request.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(text).to_owned())
    }

    /// Returns the text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pattern matches the path. Segments are compared as they are decoded, so that it does not matter whether an
    /// identifier is percent-encoded.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let (mut pattern, mut segments) = (self.0.split('/').peekable(), path.split('/'));
        while let Some(expected) = pattern.next() {
            if expected == "**" && pattern.peek().is_none() {
                return segments.next().is_some();
            }
            match segments.next() {
                Some(segment) if expected == "*" && !segment.is_empty() => {}
                Some(segment) if expected == segment || decoded(expected) == decoded(segment) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_segment_and_two_for_the_rest() {
        for (pattern, path, matches) in [
            ("/v1/customers", "/v1/customers", true),
            ("/v1/customers/", "/v1/customers", true),
            ("/v1/customers", "/v1/customers/a", false),
            ("/v1/customers/*", "/v1/customers/a", true),
            ("/v1/customers/*", "/v1/customers", false),
            ("/v1/customers/*", "/v1/customers/", false),
            ("/v1/customers/*", "/v1/customers/a/consents", false),
            ("/v1/*/a", "/v1/customers/a", true),
            ("/v1/**", "/v1/customers/a/consents", true),
            ("/v1/**", "/v1/customers", true),
            ("/v1/**", "/v1", false),
            ("/v1/**/a", "/v1/customers/a", false),
            ("/v1/customers/a@b.c", "/v1/customers/a%40b.c", true),
            ("/v1/customers/a%40b.c", "/v1/customers/a@b.c", true),
            ("/v1/customers/A", "/v1/customers/a", false),
        ] {
            assert_eq!(PathPattern::new(pattern).matches(path), matches, "{pattern} {path}");
        }
    }
}
