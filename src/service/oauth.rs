//! OAuth 2.0 tokens of a project: giving one, telling of it, revoking it.

use sha2::{Digest, Sha256};

use super::{Caller, Core, Error};
use crate::db;
use crate::db::oauth_tokens::NewToken;
use crate::domain::limits;
use crate::domain::oauth::{LIFETIME, OauthToken};
use crate::ids::oauth_client_id;

/// Gives a token for `scope`, which was checked, to the key of the caller: the token itself, which is not stored, and what is told
/// of it.
///
/// # Errors
/// [`Error::Invalid`] where the project has too many that live; [`Error::Refused`] where the key was revoked meanwhile.
pub async fn issue(core: &Core, caller: &Caller, scope: String) -> Result<(String, OauthToken), Error> {
    let mut transaction = core.pool.begin().await?;
    // Whoever counts is alone, and the key is not revoked before its token is there to be removed.
    let is_open = db::projects::lock(&mut transaction, caller.project).await?.is_some()
        && db::keys::hold(&mut transaction, caller.project, &caller.app_id).await?;
    if !is_open {
        return Err(Error::Refused);
    }
    let now = core.clock.now();
    if db::oauth_tokens::remove_expired(&mut transaction, caller.project, now).await? >= limits::OAUTH_TOKENS {
        let details = format!("A project must NOT have more than {} OAuth tokens", limits::OAUTH_TOKENS);
        return Err(Error::Invalid { details });
    }
    let access_token = core.ids.random_of("", 50);
    let token = OauthToken { client_id: oauth_client_id(&caller.app_id), scope, expires_at: now + LIFETIME };
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

/// What is told of a token of the caller's project that is alive; `None` of everything else.
///
/// # Errors
/// When the database fails.
pub async fn introspect(core: &Core, caller: &Caller, access_token: &str) -> Result<Option<OauthToken>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find_token(&mut connection, &Sha256::digest(access_token)).await?;
    connection.release();
    let known = known.filter(|known| known.project == caller.project && core.clock.now() < known.expires_at);
    Ok(known.map(|known| OauthToken {
        client_id: oauth_client_id(&known.app_id),
        scope: known.scope,
        expires_at: known.expires_at,
    }))
}

/// Revokes a token of the caller's project; `false` where it is none that is alive. Whoever remembers it must be told.
///
/// # Errors
/// When the database fails.
pub async fn revoke(core: &Core, caller: &Caller, access_token: &str) -> Result<bool, Error> {
    let mut transaction = core.pool.begin().await?;
    let sha256 = Sha256::digest(access_token);
    let is_gone = db::oauth_tokens::remove(&mut transaction, caller.project, &sha256, core.clock.now()).await?;
    transaction.commit().await?;
    Ok(is_gone)
}
