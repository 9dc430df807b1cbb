//! OAuth 2.0 access tokens of a project: issuing, introspecting and revoking them.

use sha2::{Digest, Sha256};

use super::{Caller, Core, Error};
use crate::db;
use crate::db::oauth_tokens::NewToken;
use crate::domain::limits;
use crate::domain::oauth::{OauthToken, TOKEN_LIFETIME};
use crate::ids::oauth_client_id;

/// Issues a token to the key of the caller. `scope` must have been checked. Returns the access token, of which only the
/// digest is stored, and its description.
///
/// # Errors
/// Returns [`Error::Invalid`] when the project has too many unexpired tokens, and [`Error::AccessRevoked`] when the key
/// was revoked in the meantime.
pub async fn issue(core: &Core, caller: &Caller, scope: String) -> Result<(String, OauthToken), Error> {
    let mut transaction = core.pool.begin().await?;
    // Lock the project, so that no concurrent request exceeds the limit. Lock the key, so that a concurrent revocation
    // of the key waits for this token and removes it.
    let is_valid = db::projects::lock(&mut transaction, caller.project).await?.is_some()
        && db::keys::lock_server_key(&mut transaction, caller.project, &caller.app_id).await?;
    if !is_valid {
        return Err(Error::AccessRevoked);
    }
    let now = core.now(caller);
    if db::oauth_tokens::delete_expired(&mut transaction, caller.project, now).await?
        >= limits::OAUTH_TOKENS_PER_PROJECT
    {
        let details = format!("A project must NOT have more than {} OAuth tokens", limits::OAUTH_TOKENS_PER_PROJECT);
        return Err(Error::Invalid { details });
    }
    let access_token = core.ids.random_with_length("", 50);
    let token = OauthToken { client_id: oauth_client_id(&caller.app_id), scope, expires_at: now + TOKEN_LIFETIME };
    let new = NewToken {
        sha256: &Sha256::digest(&access_token),
        project: caller.project,
        app_id: &caller.app_id,
        scope: &token.scope,
        expires_at: token.expires_at,
    };
    db::oauth_tokens::insert(&mut transaction, new).await?;
    transaction.commit().await?;
    Ok((access_token, token))
}

/// Returns the description of an unexpired token of the caller's project, or `None` for any other token.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn introspect(core: &Core, caller: &Caller, access_token: &str) -> Result<Option<OauthToken>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find_token(&mut connection, &Sha256::digest(access_token)).await?;
    connection.release();
    let known = known.filter(|known| known.project == caller.project && core.now(caller) < known.expires_at);
    Ok(known.map(|known| OauthToken {
        client_id: oauth_client_id(&known.app_id),
        scope: known.scope,
        expires_at: known.expires_at,
    }))
}

/// Revokes a token of the caller's project. Returns `false` where there is no such unexpired token.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn revoke(core: &Core, caller: &Caller, access_token: &str) -> Result<bool, Error> {
    let mut transaction = core.pool.begin().await?;
    let sha256 = Sha256::digest(access_token);
    let is_revoked = db::oauth_tokens::delete(&mut transaction, caller.project, &sha256, core.now(caller)).await?;
    transaction.commit().await?;
    core.credentials.invalidate();
    Ok(is_revoked)
}
