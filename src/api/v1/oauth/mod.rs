//! `/v1/oauth`: access tokens, which have some of the permissions of the server key for 15 minutes. Request bodies are
//! forms.

mod introspect;
mod revoke;
mod token;

use crate::http::routes::{Routes, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/oauth/token", [post("generate-oauth-token", token::handle)])
        .at("/v1/oauth/introspect", [post("introspect-oauth-token", introspect::handle)])
        .at("/v1/oauth/token/revoke", [post("revoke-oauth-token", revoke::handle)])
}
