//! Replaces tokens and passwords, which are never kept.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;

const MASK: &str = "***";

/// The names of parameters, form fields and JSON members whose values are secret, in lower case.
const SECRET_NAMES: [&str; 9] = [
    "token",
    "access_token",
    "user_password",
    "user_api_key",
    "api_access_key",
    "app_token",
    "client_token",
    "x-app-token",
    "x-client-token",
];
/// A secret name contains at least one of these, so that most bodies need no further look.
static HINTS: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["token", "user_password", "user_api_key", "api_access_key"].map(Finder::new));

fn is_secret(name: &str) -> bool {
    SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// Masks the secret parameters of a query, or fields of a URL-encoded form.
pub fn parameters(query: &str) -> Cow<'_, str> {
    let is_secret_pair = |pair: &str| {
        pair.split_once('=').is_some_and(|(name, _)| is_secret(&percent_decode_str(name).decode_utf8_lossy()))
    };
    if !query.split('&').any(is_secret_pair) {
        return Cow::Borrowed(query);
    }
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret_pair(pair) => Cow::Owned(format!("{name}={MASK}")),
        _ => Cow::Borrowed(pair),
    });
    Cow::Owned(masked.collect::<Vec<_>>().join("&"))
}

/// Masks the secrets in a body of a request to `path` or of its response: fields of forms where forms are sent, members of JSON that
/// hold tokens, and the tokens in the URLs of downloads.
pub fn body<'a>(path: &str, text: Cow<'a, str>) -> Cow<'a, str> {
    let takes_forms = path.starts_with("/v1/oauth") || path.starts_with("/stickystreet");
    if takes_forms {
        return Cow::Owned(json_members(&if text.starts_with("--") {
            parts(&text)
        } else {
            parameters(&text).into_owned()
        }));
    }
    let shows_downloads = path.starts_with("/v1/exports") || path.starts_with("/v1/async-actions");
    if shows_downloads && text.contains("token=") {
        return Cow::Owned(download_tokens(&text));
    }
    // Anywhere else the word is that of the client's own data, unless the whole name is that of a credential.
    if HINTS.iter().any(|hint| hint.find(text.as_bytes()).is_some()) { Cow::Owned(json_members(&text)) } else { text }
}

/// Masks the members of JSON objects whose names are secret: texts only.
fn json_members(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, value)) = next_member(rest) {
        out.push_str(before);
        let end = text_end(value);
        out.push_str(if is_secret(name) && name != "token" { MASK } else { &value[..end] });
        rest = &value[end..];
    }
    out.push_str(rest);
    out
}

/// Finds the next member with a text. Returns everything up to its opening quote, its name, and the rest from its value on.
fn next_member(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let name_start = from + text[from..].find('"')? + 1;
        let name_end = name_start + text_end(&text[name_start..]);
        let after = text.get(name_end + 1..)?;
        let value = after.trim_start().strip_prefix(':').map(str::trim_start).and_then(|rest| rest.strip_prefix('"'));
        if let Some(value) = value {
            return Some((&text[..text.len() - value.len()], &text[name_start..name_end], value));
        }
        from = name_end + 1;
    }
}

/// Returns where a JSON text ends that begins at the start of `text`.
fn text_end(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(text.len())
}

/// Masks the values of `token=` in URLs.
fn download_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("token=") {
        let (before, value) = rest.split_at(at + "token=".len());
        out.push_str(before);
        out.push_str(MASK);
        let end = value.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.%~".contains(letter));
        rest = &value[end.unwrap_or(value.len())..];
    }
    out.push_str(rest);
    out
}

/// Masks the parts of a multipart form whose names are secret.
fn parts(text: &str) -> String {
    let boundary = text.lines().next().unwrap_or_default();
    let masked = text.split(boundary).map(|part| {
        let Some((head, _)) = part.split_once("\r\n\r\n") else { return Cow::Borrowed(part) };
        let name = head.split(';').find_map(|field| field.trim().strip_prefix("name="));
        let name = name.and_then(|name| name.split(['\r', '\n']).next()).unwrap_or_default().trim_matches('"');
        if is_secret(name) { Cow::Owned(format!("{head}\r\n\r\n{MASK}\r\n")) } else { Cow::Borrowed(part) }
    });
    masked.collect::<Vec<_>>().join(boundary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(path: &str, text: &str) -> String {
        body(path, Cow::Borrowed(text)).into_owned()
    }

    #[test]
    fn secret_parameters_are_masked() {
        for (query, expected) in [
            ("", ""),
            ("limit=1&name=token", "limit=1&name=token"),
            ("token=abc", "token=***"),
            ("a=1&acces%73_token=x%3D&b=2", "a=1&acces%73_token=***&b=2"),
            ("User_Password=a=b", "User_Password=***"),
            ("token", "token"),
        ] {
            assert_eq!(parameters(query), expected);
        }
    }

    #[test]
    fn tokens_in_bodies_are_masked() {
        assert_eq!(
            masked("/v1/oauth/token", r#"{"access_token" : "a\"bc","client_id":"d","expires_in":900}"#),
            r#"{"access_token" : "***","client_id":"d","expires_in":900}"#
        );
        assert_eq!(masked("/v1/oauth/introspect", "access_token=abc&x=1"), "access_token=***&x=1");
        assert_eq!(masked("/v1/oauth/introspect", r#"{"access_token":"cut"#), r#"{"access_token":"***"#);
        assert_eq!(masked("/v1/exports/a", r#"{"url":"http://h/x?token=abc"}"#), r#"{"url":"http://h/x?token=***"}"#);
        let own = r#"{"metadata":{"token":"a","url":"http://h/?token=b"}}"#;
        assert_eq!(masked("/v1/customers", own), own);
    }

    #[test]
    fn the_key_of_a_multipart_form_is_masked() {
        let form = "--b\r\ncontent-disposition: form-data; name=\"user_password\"\r\n\r\nsecret\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"code\"\r\n\r\n1\r\n--b--\r\n";
        let masked = masked("/stickystreet", form);
        assert!(
            !masked.contains("secret") && masked.contains("***\r\n--b\r\n") && masked.ends_with("\r\n1\r\n--b--\r\n")
        );
    }
}
