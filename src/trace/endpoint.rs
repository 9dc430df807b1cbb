//! The address of a collector.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The path that receives traces, which the specification of OTLP defines.
const PATH: &str = "/v1/traces";

/// The URL to which traces are sent. It may contain a password, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Returns the URL that receives traces.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the scheme, the host and the port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Endpoint(..)")
    }
}

impl FromStr for Endpoint {
    type Err = String;

    /// Parses the base URL of a collector, to which the path for traces is appended, or the whole URL.
    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected the URL of a collector that accepts OTLP over HTTP, such as http://127.0.0.1:4318";
        let mut url: Url = text.trim().parse().map_err(|error| format!("{error}; {EXPECTED}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(EXPECTED.to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("the URL has a query or a fragment; {EXPECTED}"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with(PATH) {
            url.set_path(&path);
        } else {
            url.set_path(&format!("{path}{PATH}"));
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_for_traces_is_appended_once() {
        let url = |text: &str| text.parse::<Endpoint>().unwrap().url().to_string();
        assert_eq!(url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(url("https://user:secret@otel.example/otlp/"), "https://user:secret@otel.example/otlp/v1/traces");
        assert_eq!(url("http://collector:4318/v1/traces"), "http://collector:4318/v1/traces");
    }

    #[test]
    fn other_texts_are_refused_and_passwords_are_not_shown() {
        for text in ["collector:4318", "ftp://collector", "http://", "127.0.0.1", "http://collector/?key=1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        let endpoint: Endpoint = "http://user:secret@collector:4318".parse().unwrap();
        assert!(!format!("{endpoint:?} {}", endpoint.origin()).contains("secret"));
    }
}
