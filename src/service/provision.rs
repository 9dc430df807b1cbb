//! Provisioning of a project or an organisation for an unknown pair of keys.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::state::copy_template;
use super::{Core, Error};
use crate::db;
use crate::db::credentials::Credential;
use crate::db::projects::NewProject;
use crate::domain::credential::{Family, Grant};
use crate::domain::project::{KeyPair, OrganisationId, ProjectId};
use crate::domain::project_control::ProjectControl;

/// Creates an unknown key together with a new project, or a new organisation for a management key. The project starts with the
/// content of the template.
///
/// Returns `None` where a key with this id was created on request in any family: it grants access only in that family.
/// A client key that was created for a project must not give access to a new, empty project as a server key.
pub(super) async fn provision(
    core: &Core,
    family: Family,
    id: &str,
    token_sha256: &[u8],
    template: Option<ProjectId>,
) -> Result<Option<Credential>, Error> {
    let mut transaction = core.pool.begin().await?;
    // Lock the id, so that no other request, and no emulator that is starting, creates this key at the same time.
    db::credentials::lock_id(&mut transaction, id).await?;
    if db::credentials::is_configured(&mut transaction, id).await? {
        transaction.roll_back().await;
        return Ok(None);
    }
    let now = core.clock.now();
    let (grant, families): (_, &[Family]) = match family {
        Family::Management => {
            let organisation = db::projects::insert_organisation(&mut transaction, now).await?;
            (Grant::Organisation(organisation), &[Family::Management])
        }
        Family::Server | Family::Client => {
            let project = insert_project(&mut transaction, core, id, template).await?;
            (Grant::Project(project), &[Family::Server, Family::Client])
        }
    };
    let credential = new_credential(grant, token_sha256, false);
    for &key_family in families {
        if !db::credentials::insert(&mut transaction, key_family, id, &credential, now).await? {
            // Another request created the key first. The roll-back removes the new project.
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

/// Creates a project that starts with the content of the template, and a pair of keys that grants access to it in both families. The
/// keys are accepted like those that were created on request.
pub(super) async fn create_project(core: &Core, template: Option<ProjectId>) -> Result<(ProjectId, KeyPair), Error> {
    let keys = KeyPair { id: core.ids.uuid(), token: core.ids.uuid() };
    let mut transaction = core.pool.begin().await?;
    let project = insert_project(&mut transaction, core, &keys.id, template).await?;
    let credential = new_credential(Grant::Project(project), &Sha256::digest(&keys.token), true);
    for family in [Family::Server, Family::Client] {
        if !db::credentials::insert(&mut transaction, family, &keys.id, &credential, core.clock.now()).await? {
            return Err(Error::LostRace);
        }
    }
    transaction.commit().await?;
    Ok((project, keys))
}

/// Inserts a project with the content of the template.
async fn insert_project(
    connection: &mut PgConnection,
    core: &Core,
    name: &str,
    template: Option<ProjectId>,
) -> Result<ProjectId, Error> {
    let project = db::projects::insert(connection, &new_project(core, name)).await?;
    if let Some(template) = template {
        copy_template(connection, template, project).await?;
    }
    Ok(project)
}

fn new_credential(grant: Grant, token_sha256: &[u8], is_configured: bool) -> Credential {
    Credential {
        grant,
        token_sha256: token_sha256.to_vec(),
        is_configured,
        configured_by_app_id: None,
        client_access: Arc::default(),
        control: ProjectControl::default(),
    }
}

/// Returns a new project of the default organisation, with default settings.
pub(super) fn new_project(core: &Core, name: &str) -> NewProject {
    NewProject {
        public_id: core.ids.random_with_length("proj_", 12),
        name: name.to_owned(),
        organisation: OrganisationId::DEFAULT,
        webhook_token: core.ids.uuid(),
        settings: None,
        created_at: core.clock.now(),
    }
}
