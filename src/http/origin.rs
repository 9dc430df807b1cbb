//! Which pages of a browser may use a pair of keys.

use axum::http::{HeaderMap, HeaderName, header};

use super::error::ApiError;
use crate::domain::credential::Principal;
use crate::domain::local_host::is_local_url;

/// Why a page may not use a pair that is built in. It says how to allow the page.
pub const ONLY_LOCAL_PAGES: &str = "The built-in keys are public, so only pages of local hosts may use them. Use keys of your own, or set \
                                    client_trusted_domains of the project";
/// The relation between the page that sends a request and the server, which browsers add and pages cannot change.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns the `Origin` header of a request.
///
/// # Errors
/// 401 when there is none.
pub fn required(headers: &HeaderMap) -> Result<&str, ApiError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).filter(|origin| !origin.is_empty());
    origin.ok_or_else(ApiError::unauthorized)
}

/// Checks that the project trusts the origin of a request. The vendor does not publish its response to other origins; this project
/// answers with 401.
///
/// # Errors
/// 401 when there is no `Origin`, or an untrusted one.
pub fn check(headers: &HeaderMap, principal: &Principal) -> Result<(), ApiError> {
    let page = Page::At(required(headers)?);
    // The vendor trusts no page until the setting is made.
    if principal.control.is_strict && principal.client_access.trusted_domains.is_none() {
        return Err(ApiError::unauthorized());
    }
    if page.is_trusted(principal) {
        return Ok(());
    }
    let is_set = principal.client_access.trusted_domains.is_some();
    Err(if is_set { ApiError::unauthorized() } else { only_local_pages() })
}

/// Returns 401 for a page that may not use a built-in pair.
pub fn only_local_pages() -> ApiError {
    ApiError::unauthorized().with_details(ONLY_LOCAL_PAGES)
}

/// The page that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page<'a> {
    /// A page with this origin or URL.
    At(&'a str),
    /// A page of another site, which hides its URL.
    OfOtherSite,
    /// No page: the request comes from a program, or the user typed its URL.
    None,
}

impl<'a> Page<'a> {
    /// Returns the page that the headers of a request show: its `Origin` or else its `Referer`, because a page that loads a script or
    /// follows a link sends no `Origin`.
    pub fn of(headers: &'a HeaderMap) -> Self {
        match text(headers, header::ORIGIN).or_else(|| text(headers, header::REFERER)) {
            Some(url) => Self::At(url),
            None if text(headers, SEC_FETCH_SITE).is_some_and(|site| site.eq_ignore_ascii_case("cross-site")) => {
                Self::OfOtherSite
            }
            None => Self::None,
        }
    }

    /// Returns whether a pair without settings of its project trusts the page when the pair is built in.
    pub fn is_local(self) -> bool {
        match self {
            Self::At(url) => is_local_url(url),
            Self::OfOtherSite => false,
            Self::None => true,
        }
    }

    /// Returns whether the project of the caller trusts the page. Its setting decides. Without the setting, every page is trusted, and
    /// with a built-in pair every page of a local host.
    pub fn is_trusted(self, caller: &Principal) -> bool {
        match (&caller.client_access.trusted_domains, self) {
            (None, _) => !caller.is_built_in || self.is_local(),
            (Some(_), Self::None) => true,
            (Some(domains), Self::At(url)) => domains.iter().any(|domain| matches_domain(origin_of(url), domain)),
            (Some(domains), Self::OfOtherSite) => domains.iter().any(|domain| domain == "*"),
        }
    }
}

/// Returns a header as text, unless it is empty. Bytes that are not text are a text that no rule trusts.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let text = headers.get(name)?.to_str().unwrap_or("null");
    (!text.is_empty()).then_some(text)
}

/// Returns the part of a URL before its path.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    &url[..end]
}

/// Returns whether an origin matches a trusted domain: `*`, the whole origin, its host with or without a port, `*.` and a parent
/// domain, or a dot and a domain, which also trusts the domain itself.
fn matches_domain(origin: &str, domain: &str) -> bool {
    let (origin, domain) = (origin.to_ascii_lowercase(), domain.trim_end_matches('/').to_ascii_lowercase());
    if domain == "*" || domain == origin {
        return true;
    }
    let authority = origin.split_once("://").map_or(origin.as_str(), |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    let is_below = |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    if let Some(parent) = domain.strip_prefix("*.") {
        return is_below(parent);
    }
    match domain.strip_prefix('.').filter(|parent| !parent.is_empty()) {
        Some(parent) => host == parent || is_below(parent),
        None => domain == host || domain == authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_url_ends_before_its_path() {
        for url in ["http://a:1", "http://a:1/", "http://a:1/b?c=d://e", "http://a:1?b", "http://a:1#b"] {
            assert_eq!(origin_of(url), "http://a:1");
        }
        assert_eq!((origin_of("null"), origin_of("localhost/x")), ("null", "localhost"));
    }

    #[test]
    fn the_page_is_known_by_its_origin_or_else_by_its_url() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let (origin, referer) = (("origin", "http://a"), ("referer", "http://b/c"));
        let site = |value| ("sec-fetch-site", value);
        for (sent, page) in [
            (vec![origin, referer, site("cross-site")], Page::At("http://a")),
            (vec![("origin", "null"), referer], Page::At("null")),
            (vec![referer, site("cross-site")], Page::At("http://b/c")),
            (vec![site("cross-site")], Page::OfOtherSite),
            (vec![site("same-site")], Page::None),
            (vec![site("none")], Page::None),
            (vec![("origin", ""), ("referer", "")], Page::None),
            (vec![], Page::None),
        ] {
            assert_eq!(Page::of(&headers(&sent)), page, "{sent:?}");
        }
    }

    #[test]
    fn a_trusted_domain_matches_its_origins() {
        let yes = [
            ("https://shop.example", "*"),
            ("null", "*"),
            ("https://shop.example", "https://shop.example"),
            ("https://Shop.example", "shop.example"),
            ("http://localhost:3000", "localhost"),
            ("http://localhost:3000", "localhost:3000"),
            ("http://localhost:3000", "http://localhost:3000/"),
            ("https://a.shop.example:8443", "*.shop.example"),
            ("http://[::1]:3000", "[::1]"),
            ("https://a.shop.example", ".shop.example"),
            ("https://a.b.shop.example:8443", ".Shop.example"),
            ("https://shop.example", ".shop.example"),
        ];
        for (origin, domain) in yes {
            assert!(matches_domain(origin, domain), "{origin} {domain}");
        }
        let no = [
            ("https://shop.example", "http://shop.example"),
            ("https://evilshop.example", "shop.example"),
            ("https://evilshop.example", "*.shop.example"),
            ("https://shop.example", "*.shop.example"),
            ("http://localhost:3000", "localhost:4000"),
            ("https://shop.example.evil", "shop.example"),
            ("null", "shop.example"),
            ("https://evilshop.example", ".shop.example"),
            ("https://shop.example.evil", ".shop.example"),
            ("https://.shop.example.evil", ".shop.example"),
            ("https://a.shop.example", "shop.example"),
            ("https://shop.example", "."),
            ("https://shop.", "."),
        ];
        for (origin, domain) in no {
            assert!(!matches_domain(origin, domain), "{origin} {domain}");
        }
    }
}
