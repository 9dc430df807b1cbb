//! One slash at the end of a path: the path without it is answered.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Removes one slash from the end of the path of a request, so that the router, the log and the handler see the plain path. Several
/// official SDKs send such paths. A path that ends with two slashes stays as it is.
pub fn remove(mut request: Request) -> Request {
    if let Some(uri) = without_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Returns the URI without the slash, or `None` if it stays as it is.
fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_is_removed_and_two_are_not() {
        for (given, plain) in [
            ("/v1/customers/", Some("/v1/customers")),
            ("/v1/customers/?limit=1&name=a/", Some("/v1/customers?limit=1&name=a/")),
            ("/v1/customers/a%2F/", Some("/v1/customers/a%2F")),
            ("http://host:8682/v1/customers/", Some("http://host:8682/v1/customers")),
            ("/v1/customers", None),
            ("/v1/customers/a%2F", None),
            ("/v1/customers//", None),
            ("/", None),
            ("//", None),
        ] {
            let uri: Uri = given.parse().unwrap();
            assert_eq!(without_slash(&uri).map(|uri| uri.to_string()).as_deref(), plain, "{given}");
        }
    }
}
