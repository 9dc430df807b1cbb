//! Projects: creating, changing and deleting them.

mod deletion;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Core, Error, Resource};
use crate::db;
use crate::db::credentials::Credential;
use crate::db::projects::NewProject;
use crate::domain::credential::{Family, Opens};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::project::{
    KeyPair, OrganisationId, Project, ProjectChange, ProjectId, ProjectKeys, ProjectSettings,
};

pub use deletion::{delete, remove_left};

/// A project to create.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    pub name: String,
    pub settings: ProjectSettings,
}

/// Creates a project of an organisation, with keys that open it, and nobody else's do.
///
/// # Errors
/// [`Error::Invalid`] where its settings are too large.
pub async fn create(
    core: &Core,
    organisation: OrganisationId,
    request: ProjectRequest,
) -> Result<(Project, ProjectKeys), Error> {
    let ProjectRequest { name, settings } = request;
    check(&settings)?;
    let now = core.clock.now();
    let pair = || KeyPair { id: core.ids.uuid(), token: core.ids.uuid() };
    let keys = ProjectKeys { server: pair(), client: pair() };
    let new = NewProject {
        public_id: core.ids.random_of("proj_", 12),
        name,
        organisation,
        webhook_token: core.ids.uuid(),
        settings: Some(settings),
        created_at: now,
    };
    let mut transaction = core.pool.begin().await?;
    let id = db::projects::insert(&mut transaction, &new).await?;
    for (family, pair) in [(Family::Server, &keys.server), (Family::Client, &keys.client)] {
        let credential = Credential {
            opens: Opens::Project(id),
            token_sha256: Sha256::digest(&pair.token).to_vec(),
            is_configured: true,
            named_with: None,
            client_access: Arc::default(),
        };
        if !db::credentials::insert(&mut transaction, family, &pair.id, &credential, now).await? {
            return Err(Error::LostRace);
        }
    }
    transaction.commit().await?;
    let NewProject { public_id, name, webhook_token, settings, .. } = new;
    let settings = settings.unwrap_or_default();
    Ok((Project { id, public_id, name, is_sandbox: false, webhook_token, settings }, keys))
}

/// That settings are no larger than a list of many projects can bear.
fn check(settings: &ProjectSettings) -> Result<(), Error> {
    if JsonText::of(settings).as_str().len() <= limits::SETTINGS_BYTES {
        return Ok(());
    }
    let details = format!("Settings of a project must NOT have more than {} bytes as JSON", limits::SETTINGS_BYTES);
    Err(Error::Invalid { details })
}

/// The number of a project of the organisation.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier, or that of another organisation's project.
pub async fn resolve(core: &Core, organisation: OrganisationId, identifier: &Identifier) -> Result<ProjectId, Error> {
    let not_found = || Error::not_found(Resource::Project, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::projects::id_of(&mut connection, organisation, identifier.as_str()).await?;
    connection.release();
    found.ok_or_else(not_found)
}

/// Changes a project; `None` where it was deleted meanwhile.
///
/// # Errors
/// [`Error::Invalid`] where its settings become too large.
pub async fn update(core: &Core, id: ProjectId, change: ProjectChange) -> Result<Option<Project>, Error> {
    let mut transaction = core.pool.begin().await?;
    let Some(mut project) = db::projects::lock(&mut transaction, id).await? else { return Ok(None) };
    project.apply(change);
    check(&project.settings)?;
    db::projects::update(&mut transaction, &project).await?;
    transaction.commit().await?;
    Ok(Some(project))
}
