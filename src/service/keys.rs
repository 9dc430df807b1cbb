//! The keys of a project: creating and revoking them.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::db::credentials::Credential;
use crate::domain::credential::{Family, Grant, Key};
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::project_control::ProjectControl;

/// Creates a key of that family for the caller's project. Returns the key and its token, of which only the digest is
/// stored.
///
/// # Errors
/// Returns [`Error::Invalid`] when the project has too many keys, and [`Error::AccessRevoked`] when the project was
/// deleted.
pub async fn create(core: &Core, caller: &Caller, family: Family) -> Result<(Key, String), Error> {
    let mut transaction = core.pool.begin().await?;
    if db::projects::lock(&mut transaction, caller.project).await?.is_none() {
        return Err(Error::AccessRevoked);
    }
    if db::keys::count(&mut transaction, caller.project).await? >= limits::KEYS_PER_PROJECT {
        let details = format!("A project must NOT have more than {} keys", limits::KEYS_PER_PROJECT);
        return Err(Error::Invalid { details });
    }
    let (app_id, token) = (core.ids.uuid(), core.ids.uuid());
    let key = Key { family, app_id, is_provisioned: false, created_at: core.now(caller) };
    let credential = Credential {
        grant: Grant::Project(caller.project),
        token_sha256: Sha256::digest(&token).to_vec(),
        is_configured: true,
        configured_by_app_id: None,
        client_access: Arc::default(),
        control: ProjectControl::default(),
    };
    if !db::credentials::insert(&mut transaction, family, &key.app_id, &credential, key.created_at).await? {
        return Err(Error::LostRace);
    }
    transaction.commit().await?;
    Ok((key, token))
}

/// Revokes a key of the caller's project and all OAuth tokens that were issued to it.
///
/// # Errors
/// Returns [`Error::NotFound`] for a key that does not belong to the project.
pub async fn revoke(core: &Core, caller: &Caller, family: Family, app_id: &Identifier) -> Result<(), Error> {
    let mut transaction = core.pool.begin().await?;
    let is_revoked = app_id.can_exist()
        && db::keys::revoke(&mut transaction, caller.project, family, app_id.as_str(), core.now(caller)).await?;
    if !is_revoked {
        return Err(Error::not_found(Resource::Key, app_id.as_str()));
    }
    if family == Family::Server {
        db::oauth_tokens::delete_by_key(&mut transaction, caller.project, app_id.as_str()).await?;
    }
    transaction.commit().await?;
    core.credentials.invalidate();
    Ok(())
}
