//! Creating and changing projects.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::db;
use crate::db::credentials::Credential;
use crate::db::projects::NewProject;
use crate::domain::credential::{Family, Grant};
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::project::{
    KeyPair, OrganisationId, Project, ProjectChange, ProjectId, ProjectKeys, ProjectSettings,
};
use crate::domain::project_control::ProjectControl;
use crate::service::{Core, Error};

/// A project to create.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    pub name: String,
    pub settings: ProjectSettings,
}

/// Creates a project of an organisation, with a server key and a client key of its own.
///
/// # Errors
/// Returns [`Error::Invalid`] when the settings are too large.
pub async fn create(
    core: &Core,
    organisation: OrganisationId,
    request: ProjectRequest,
) -> Result<(Project, ProjectKeys), Error> {
    let ProjectRequest { name, settings } = request;
    check_size(&settings)?;
    let now = core.clock.now();
    let pair = || KeyPair { id: core.ids.uuid(), token: core.ids.uuid() };
    let keys = ProjectKeys { server: pair(), client: pair() };
    let new = NewProject {
        public_id: core.ids.random_with_length("proj_", 12),
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
            grant: Grant::Project(id),
            token_sha256: Sha256::digest(&pair.token).to_vec(),
            is_configured: true,
            configured_by_app_id: None,
            client_access: Arc::default(),
            control: ProjectControl::default(),
        };
        if !db::credentials::insert(&mut transaction, family, &pair.id, &credential, now).await? {
            return Err(Error::LostRace);
        }
    }
    transaction.commit().await?;
    let NewProject { public_id, name, webhook_token, settings, .. } = new;
    let settings = settings.unwrap_or_default();
    Ok((Project { id, public_id, name, is_sandbox: false, webhook_token, settings, is_strict: false }, keys))
}

/// Changes a project. Returns `None` when it was deleted in the meantime.
///
/// # Errors
/// Returns [`Error::Invalid`] when the settings become too large.
pub async fn update(core: &Core, id: ProjectId, change: ProjectChange) -> Result<Option<Project>, Error> {
    let mut transaction = core.pool.begin().await?;
    let Some(mut project) = db::projects::lock(&mut transaction, id).await? else { return Ok(None) };
    project.apply(change);
    check_size(&project.settings)?;
    db::projects::update(&mut transaction, &project).await?;
    transaction.commit().await?;
    core.credentials.invalidate();
    Ok(Some(project))
}

/// Checks that the settings are small enough for a list of many projects.
fn check_size(settings: &ProjectSettings) -> Result<(), Error> {
    if JsonText::of(settings).as_str().len() <= limits::SETTINGS_BYTES {
        return Ok(());
    }
    let details = format!("Settings of a project must NOT have more than {} bytes as JSON", limits::SETTINGS_BYTES);
    Err(Error::Invalid { details })
}
