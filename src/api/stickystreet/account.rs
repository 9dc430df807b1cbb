//! Who calls: a pair of server keys, and the name of the project that they open.

use axum::http::HeaderValue;

use super::fields::Fields;
use super::refused::Refused;
use crate::db;
use crate::domain::credential::Family;
use crate::http::state::AppState;
use crate::http::{InFlight, enter_with};
use crate::service::Caller;
use crate::service::authenticator::RequestCredentials;

/// The header that may carry the key. Where it is there, the field does not count.
pub const KEY_HEADER: &str = "api_access_key";

/// What a call says of itself. It holds the key, and is not to be printed.
pub struct Account<'a> {
    user_id: &'a str,
    key: &'a str,
    /// By name, or by public id.
    project: &'a str,
}

impl<'a> Account<'a> {
    /// Of a header and fields.
    ///
    /// # Errors
    /// For the first that is missing.
    pub fn of(header_key: Option<&'a HeaderValue>, fields: &'a Fields) -> Result<Self, Refused> {
        let user_id = fields.required("user_id")?;
        let key = match header_key {
            // A key that is no text is a wrong one.
            Some(value) => value.to_str().unwrap_or_default(),
            None => match fields.get("user_password").or_else(|| fields.get("user_api_key")) {
                Some(key) => key,
                None => return Err(Refused::because("user_password is required")),
            },
        };
        Ok(Self { user_id, key, project: fields.required("account_id")? })
    }

    /// Takes one call of the project that the keys open, which must be that of the account.
    ///
    /// # Errors
    /// Where the keys open nothing, or another account; where the project has no calls left, or the database fails.
    pub async fn enter(&self, app: &AppState, in_flight: &InFlight) -> Result<Caller, Refused> {
        let other_account = || Refused::because("Invalid account_id");
        // What came of a pair that was never seen would have its name, so that no other account can be meant.
        if self.project != self.user_id
            && app.authenticator.would_provision(&app.core, Family::Server, self.user_id, self.key).await?
        {
            return Err(other_account());
        }
        let pair = RequestCredentials::Pair { family: Family::Server, id: self.user_id, token: self.key };
        let caller = enter_with(app, in_flight, pair).await?.ok_or_else(Refused::keys)?;
        // PostgreSQL cannot even be asked for U+0000.
        if self.project.contains('\0') {
            return Err(other_account());
        }
        let mut connection = app.core.pool.acquire().await?;
        let is_theirs = db::projects::is_called(&mut connection, caller.project, self.project).await?;
        connection.release();
        if is_theirs.ok_or_else(Refused::keys)? { Ok(caller) } else { Err(other_account()) }
    }
}
