//! Sessions of browsers: a signed cookie, the token of forms that belongs to it, and whether its user has signed in.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::link::{PATH, hex};
use crate::http::scheme::Scheme;

/// The cookie over plain HTTP.
const COOKIE: &str = "emulator_console";
/// The cookie over HTTPS. It has a name of its own, because a browser shares cookies between the schemes of a host, and lets no page of
/// plain HTTP replace a cookie that has the attribute `Secure`. With this prefix, browsers accept it only over HTTPS.
const SECURE_COOKIE: &str = "__Secure-emulator_console";
/// How long a sign-in is valid.
const SIGN_IN_DURATION: Duration = Duration::from_hours(12);
const MAX_SIGNED_IN_SESSIONS: u64 = 1_000;

/// The sessions of this process. The key that signs their cookies is random and never leaves the process, so that only a page of this server
/// can set a cookie that is accepted.
pub struct Sessions {
    key: [u8; 32],
    signed_in: Cache<String, ()>,
}

impl Default for Sessions {
    fn default() -> Self {
        let signed_in = Cache::builder().max_capacity(MAX_SIGNED_IN_SESSIONS).time_to_live(SIGN_IN_DURATION).build();
        Self { key: rand::random(), signed_in }
    }
}

/// The session of a browser. It contains secrets, so it does not implement `Debug`.
#[derive(Clone)]
pub struct Session {
    id: String,
    pub is_signed_in: bool,
    /// What a form must contain, so that no other site can send it.
    pub form_token: String,
}

impl Sessions {
    /// Returns a session with a new identifier.
    pub fn create(&self) -> Session {
        self.with_id(hex(&rand::random::<[u8; 16]>()))
    }

    /// Returns the session of the cookie in a request, if this process has signed it.
    pub fn find(&self, headers: &HeaderMap, scheme: Scheme) -> Option<Session> {
        let (name, _) = cookie_of(scheme);
        let (id, signature) = cookie(headers, name)?.split_once('.')?;
        let is_valid = bool::from(self.sign("session", id).as_bytes().ct_eq(signature.as_bytes()));
        is_valid.then(|| self.with_id(id.to_owned()))
    }

    /// Returns a new session whose user has signed in.
    pub fn sign_in(&self) -> Session {
        let session = self.create();
        self.signed_in.insert(session.id.clone(), ());
        Session { is_signed_in: true, ..session }
    }

    /// Ends the sign-in of a session.
    pub fn sign_out(&self, session: &Session) {
        self.signed_in.invalidate(&session.id);
    }

    /// Returns the `Set-Cookie` header of a session. The cookie ends with the browser.
    pub fn set_cookie(&self, session: &Session, scheme: Scheme) -> String {
        let (name, attribute) = cookie_of(scheme);
        let signature = self.sign("session", &session.id);
        format!("{name}={}.{signature}; Path={PATH}; HttpOnly; SameSite=Strict{attribute}", session.id)
    }

    fn with_id(&self, id: String) -> Session {
        let is_signed_in = self.signed_in.contains_key(&id);
        Session { is_signed_in, form_token: self.sign("form", &id), id }
    }

    fn sign(&self, purpose: &str, id: &str) -> String {
        // A key of any length is accepted.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(purpose.as_bytes());
        mac.update(b":");
        mac.update(id.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl Session {
    /// Returns whether a form with that token was made for this session.
    pub fn accepts(&self, form_token: &str) -> bool {
        bool::from(self.form_token.as_bytes().ct_eq(form_token.as_bytes()))
    }
}

/// Returns the name of the cookie of a session, and its further attributes.
fn cookie_of(scheme: Scheme) -> (&'static str, &'static str) {
    match scheme {
        Scheme::Http => (COOKIE, ""),
        Scheme::Https => (SECURE_COOKIE, "; Secure"),
    }
}

/// Returns the value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).find_map(|one| one.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(set_cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let pair = set_cookie.split(';').next().unwrap_or_default();
        headers.insert(header::COOKIE, format!("theme=dark; {pair}").parse().unwrap());
        headers
    }

    #[test]
    fn only_cookies_of_this_process_are_accepted() {
        let sessions = Sessions::default();
        let session = sessions.create();
        let found = sessions.find(&headers(&sessions.set_cookie(&session, Scheme::Http)), Scheme::Http).unwrap();
        assert!(found.accepts(&session.form_token) && !found.is_signed_in);
        assert!(!found.accepts("") && !found.accepts(&sessions.create().form_token));
        assert!(
            Sessions::default().find(&headers(&sessions.set_cookie(&session, Scheme::Http)), Scheme::Http).is_none()
        );
        assert!(sessions.find(&headers("emulator_console=abc.def"), Scheme::Http).is_none());
        assert!(sessions.find(&HeaderMap::new(), Scheme::Http).is_none());
    }

    #[test]
    fn the_cookie_of_https_is_another_one() {
        let sessions = Sessions::default();
        let set = sessions.set_cookie(&sessions.create(), Scheme::Https);
        assert!(set.starts_with("__Secure-emulator_console=") && set.ends_with("; Secure"), "{set}");
        assert!(sessions.find(&headers(&set), Scheme::Https).is_some());
        assert!(sessions.find(&headers(&set), Scheme::Http).is_none());
    }

    #[test]
    fn a_sign_in_ends() {
        let sessions = Sessions::default();
        let session = sessions.sign_in();
        let headers = headers(&sessions.set_cookie(&session, Scheme::Http));
        assert!(sessions.find(&headers, Scheme::Http).unwrap().is_signed_in);
        sessions.sign_out(&session);
        assert!(!sessions.find(&headers, Scheme::Http).unwrap().is_signed_in);
    }
}
