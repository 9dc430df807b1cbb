//! `/v1/oauth`: tokens that open a part of what the server key does, for a quarter of an hour. Bodies are forms.

mod introspect;
mod revoke;
mod token;

use crate::http::routes::{Routes, post};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/oauth/token", [post("generate-oauth-token", token::handle)])
        .at("/v1/oauth/introspect", [post("introspect-oauth-token", introspect::handle)])
        .at("/v1/oauth/token/revoke", [post("revoke-oauth-token", revoke::handle)])
}
