//! The keys of a project: making a pair, revoking one.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::db::credentials::Credential;
use crate::domain::credential::{Family, Key, Opens};
use crate::domain::identifier::Identifier;
use crate::domain::limits;

/// Makes a pair of keys of that family that opens the caller's project: the key, and the token that goes with it, which is not
/// stored.
///
/// # Errors
/// [`Error::Invalid`] where the project has too many; [`Error::Refused`] where it is gone.
pub async fn create(core: &Core, caller: &Caller, family: Family) -> Result<(Key, String), Error> {
    let mut transaction = core.pool.begin().await?;
    if db::projects::lock(&mut transaction, caller.project).await?.is_none() {
        return Err(Error::Refused);
    }
    if db::keys::count(&mut transaction, caller.project).await? >= limits::KEYS {
        let details = format!("A project must NOT have more than {} keys", limits::KEYS);
        return Err(Error::Invalid { details });
    }
    let (app_id, token) = (core.ids.uuid(), core.ids.uuid());
    let key = Key { family, app_id, is_provisioned: false, created_at: core.clock.now() };
    let credential = Credential {
        opens: Opens::Project(caller.project),
        token_sha256: Sha256::digest(&token).to_vec(),
        is_configured: true,
        named_with: None,
        client_access: Arc::default(),
    };
    if !db::credentials::insert(&mut transaction, family, &key.app_id, &credential, key.created_at).await? {
        return Err(Error::LostRace);
    }
    transaction.commit().await?;
    Ok((key, token))
}

/// Revokes a key of the caller's project, and every token that it has asked for. Whoever remembers them must be told.
///
/// # Errors
/// [`Error::NotFound`] for every key that does not open that project.
pub async fn revoke(core: &Core, caller: &Caller, family: Family, app_id: &Identifier) -> Result<(), Error> {
    let mut transaction = core.pool.begin().await?;
    let is_revoked = app_id.can_exist()
        && db::keys::revoke(&mut transaction, caller.project, family, app_id.as_str(), core.clock.now()).await?;
    if !is_revoked {
        return Err(Error::not_found(Resource::Key, app_id.as_str()));
    }
    if family == Family::Server {
        db::oauth_tokens::remove_of_key(&mut transaction, caller.project, app_id.as_str()).await?;
    }
    Ok(transaction.commit().await?)
}
