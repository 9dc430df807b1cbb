//! The media type that a request prefers.

use axum::http::{HeaderMap, header};

/// How closely a range matches a media type that it names.
const EXACT: u8 = 3;

/// Returns whether a request prefers HTML to JSON, as the request of a browser for a page does.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let html = quality(headers, "text", "html");
    html.0 > 0.0 && html > quality(headers, "application", "json")
}

/// Returns whether a request prefers `OpenMetrics` to plain text. A range such as `*/*` does not ask for
/// it.
pub fn prefers_openmetrics(headers: &HeaderMap) -> bool {
    let openmetrics = quality(headers, "application", "openmetrics-text");
    openmetrics.1 == EXACT && openmetrics.0 > 0.0 && openmetrics.0 > quality(headers, "text", "plain").0
}

/// Returns the quality of a media type in the `Accept` headers, by the range that matches it most closely, and how closely that is.
fn quality(headers: &HeaderMap, kind: &str, subtype: &str) -> (f32, u8) {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut closeness, mut quality) = (0, 0.0);
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next().and_then(|media| media.split_once('/')).unwrap_or_default();
        let matched = match (range_kind, range_subtype) {
            ("*", "*") => 1,
            (other, "*") if other.eq_ignore_ascii_case(kind) => 2,
            (other, name) if other.eq_ignore_ascii_case(kind) && name.eq_ignore_ascii_case(subtype) => EXACT,
            _ => 0,
        };
        if matched > closeness {
            closeness = matched;
            quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        }
    }
    (quality, closeness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_prefers_html_and_a_program_does_not() {
        let prefers = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            prefers_html(&headers)
        };
        for page in ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html, */*"] {
            assert!(prefers(page), "{page}");
        }
        for other in ["*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0", ""] {
            assert!(!prefers(other), "{other}");
        }
    }
}
