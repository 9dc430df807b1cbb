//! The OAuth 2.0 token object.

use chrono::{DateTime, Utc};

use super::writer::ObjectWriter;
use crate::domain::oauth::OauthToken;

/// Writes the answer to a token request.
pub fn write(out: &mut Vec<u8>, access_token: &str, token: &OauthToken, now: DateTime<Utc>) {
    let mut object = ObjectWriter::new(out);
    write_members(&mut object, access_token, token, now);
    object.end();
}

/// Writes the answer to an introspection request. An unknown or expired token is only reported as not active.
pub fn write_introspection(out: &mut Vec<u8>, access_token: &str, token: Option<&OauthToken>, now: DateTime<Utc>) {
    let mut object = ObjectWriter::new(out);
    if let Some(token) = token {
        write_members(&mut object, access_token, token, now);
    }
    object.boolean("active", token.is_some()).end();
}

fn write_members(object: &mut ObjectWriter<'_>, access_token: &str, token: &OauthToken, now: DateTime<Utc>) {
    object
        .text("access_token", access_token)
        .text("client_id", &token.client_id)
        .number("expires_at", token.expires_at.timestamp())
        .number("expires_in", token.expires_in(now))
        .text("scope", &token.scope)
        .text("token_type", "Bearer");
}
