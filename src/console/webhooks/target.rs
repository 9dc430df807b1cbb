//! The target URL of a webhook, as pages show it.

use url::Url;

const MASK: &str = "***";

/// Returns the URL with a mask in place of the password, if it has one.
pub fn without_password(target_url: &str) -> String {
    match Url::parse(target_url) {
        Ok(mut url) if url.password().is_some() => {
            // Only URLs without a host refuse a password.
            let _ = url.set_password(Some(MASK));
            url.into()
        }
        _ => target_url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_masked() {
        assert_eq!(without_password("https://user:secret@hook.example/a?b=c"), "https://user:***@hook.example/a?b=c");
        for other in ["https://user@hook.example/a", "http://hook.example", "no url"] {
            assert_eq!(without_password(other), other);
        }
    }
}
