//! The credentials of a request: a pair of server keys, and the name of their project.

use axum::http::HeaderValue;

use super::error::CallError;
use super::fields::Fields;
use crate::db;
use crate::domain::credential::Family;
use crate::http::state::AppState;
use crate::http::{RequestContext, authenticate_with};
use crate::service::Caller;
use crate::service::authenticator::RequestCredentials;

/// The header that may carry the key. When it is sent, the fields with the key are ignored.
pub const KEY_HEADER: &str = "api_access_key";

/// The credentials that a request contains. Do not log this value, because it holds the key.
pub struct Credentials<'a> {
    user_id: &'a str,
    key: &'a str,
    /// The name or the public id of a project.
    account_id: &'a str,
}

impl<'a> Credentials<'a> {
    /// Reads the credentials from the header and the fields of a request.
    ///
    /// # Errors
    /// Returns an error for the first credential that is missing.
    pub fn read(header_key: Option<&'a HeaderValue>, fields: &'a Fields) -> Result<Self, CallError> {
        let user_id = fields.required("user_id")?;
        let key = match header_key {
            // Use an empty key, which is never valid, when the header contains bytes that are not text.
            Some(value) => value.to_str().unwrap_or_default(),
            None => match fields.get("user_password").or_else(|| fields.get("user_api_key")) {
                Some(key) => key,
                None => return Err(CallError::rejected("user_password is required")),
            },
        };
        Ok(Self { user_id, key, account_id: fields.required("account_id")? })
    }

    /// Authenticates the request and counts it against the rate limit of the project.
    ///
    /// # Errors
    /// Returns an error when the keys are unknown or belong to another account, when the rate limit is exceeded, and
    /// when a database query fails.
    pub async fn authenticate(&self, app: &AppState, context: &RequestContext) -> Result<Caller, CallError> {
        let invalid_account = || CallError::rejected("Invalid account_id");
        // Reject another account before authentication, because an unknown pair would create an auto-provisioned
        // project whose name is the user id.
        if self.account_id != self.user_id
            && app.authenticator.would_provision(&app.core, Family::Server, self.user_id, self.key).await?
        {
            return Err(invalid_account());
        }
        let pair = RequestCredentials::Pair { family: Family::Server, id: self.user_id, token: self.key };
        let caller = authenticate_with(app, context, pair).await?.ok_or_else(CallError::invalid_credentials)?;
        // Reject U+0000 before the query, because PostgreSQL accepts no text that contains it.
        if self.account_id.contains('\0') {
            return Err(invalid_account());
        }
        let mut connection = app.core.pool.acquire().await?;
        let is_account = db::projects::has_name_or_id(&mut connection, caller.project, self.account_id).await?;
        connection.release();
        if is_account.ok_or_else(CallError::invalid_credentials)? { Ok(caller) } else { Err(invalid_account()) }
    }
}
