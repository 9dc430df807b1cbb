//! What a pair of keys gets that was never seen.

use std::sync::Arc;

use super::{Core, Error};
use crate::db;
use crate::db::credentials::Credential;
use crate::db::projects::NewProject;
use crate::domain::credential::{Family, Opens};
use crate::domain::project::OrganisationId;

/// A key that was never seen, with something new that it opens; `None` where its id is that of a key that was asked for, which has
/// its own door only: a client key that was made for a project does not open an empty one by the server's.
pub(super) async fn provision(
    core: &Core,
    family: Family,
    id: &str,
    token_sha256: &[u8],
) -> Result<Option<Credential>, Error> {
    let mut transaction = core.pool.begin().await?;
    // Neither another request, nor another process, nor the start of one, is at it at the same time.
    db::credentials::lock_id(&mut transaction, id).await?;
    if db::credentials::is_asked_for(&mut transaction, id).await? {
        transaction.roll_back().await;
        return Ok(None);
    }
    let now = core.clock.now();
    let (opens, families): (_, &[Family]) = match family {
        Family::Management => {
            let organisation = db::projects::insert_organisation(&mut transaction, now).await?;
            (Opens::Organisation(organisation), &[Family::Management])
        }
        Family::Server | Family::Client => {
            let project = db::projects::insert(&mut transaction, &new_project(core, id)).await?;
            (Opens::Project(project), &[Family::Server, Family::Client])
        }
    };
    let credential = Credential {
        opens,
        token_sha256: token_sha256.to_vec(),
        is_configured: false,
        named_with: None,
        client_access: Arc::default(),
    };
    for &one in families {
        if !db::credentials::insert(&mut transaction, one, id, &credential, now).await? {
            // Another request was first. What is new goes with the transaction.
            transaction.roll_back().await;
            let mut connection = core.pool.acquire().await?;
            let known = db::credentials::find(&mut connection, family, id, "").await?;
            connection.release();
            return Ok(known);
        }
    }
    transaction.commit().await?;
    Ok(Some(credential))
}

/// A project of the default organisation, with a name and nothing else of its own.
pub(super) fn new_project(core: &Core, name: &str) -> NewProject {
    NewProject {
        public_id: core.ids.random_of("proj_", 12),
        name: name.to_owned(),
        organisation: OrganisationId::DEFAULT,
        webhook_token: core.ids.uuid(),
        settings: None,
        created_at: core.clock.now(),
    }
}
