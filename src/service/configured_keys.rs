//! The keys in the options of an emulator, which it stores when it starts.
//!
//! A configured key belongs to the server key that is configured with it. When emulators on one database configure the
//! same client key with different server keys, each has a key of its own, which grants access to the project of its
//! server key. A configured key is valid only in an emulator that configures it: it stops working when the emulator
//! starts with another key, and works again when it is configured again.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::provision::new_project;
use super::{Core, Error};
use crate::db;
use crate::db::credentials::Credential;
use crate::domain::credential::{Family, Grant, is_valid_credential_text};
use crate::domain::limits;
use crate::domain::project::OrganisationId;
use crate::domain::project_control::ProjectControl;

/// A configured key: its id and its token.
#[derive(Clone, Copy)]
pub struct ConfiguredPair<'a> {
    pub id: &'a str,
    pub token: &'a str,
}

/// The configured keys of all families.
#[derive(Clone, Copy)]
pub struct ConfiguredPairs<'a> {
    pub server: ConfiguredPair<'a>,
    pub client: ConfiguredPair<'a>,
    pub management: ConfiguredPair<'a>,
}

/// The ids of the configured keys of this emulator.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredKeys {
    server: String,
    client: String,
    management: String,
}

/// Why the emulator cannot start with its configured keys.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    #[error(
        "{option} must have 1 to {} printable ASCII characters, and no blank before or after them",
        limits::CREDENTIAL_CHARS
    )]
    InvalidText { option: &'static str },
    #[error(
        "{option} names a {} key that was created for another project. Use another id, or start with the server key of that project \
         as --app-id",
        .family.as_str()
    )]
    BelongsToOtherProject { option: &'static str, family: Family },
    #[error(
        "--app-id names a server key that was created for a project of another organisation, which --management-id cannot access. \
         Use another id"
    )]
    BelongsToOtherOrganisation,
    #[error("the configured keys cannot be stored: {0}")]
    Storage(#[from] Error),
}

impl From<sqlx::Error> for ConfigureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl ConfiguredKeys {
    /// Returns the id of the server key.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether this emulator accepts a key. `configured_by_app_id` is the server key with which some emulator has
    /// configured it: then it must be one of these keys. A key that is not configured (`None`) is accepted.
    #[must_use]
    pub fn accepts(&self, family: Family, id: &str, configured_by_app_id: Option<&str>) -> bool {
        let configured_id = match family {
            Family::Server => &self.server,
            Family::Client => &self.client,
            Family::Management => &self.management,
        };
        configured_by_app_id.is_none_or(|server| server == self.server && id == configured_id)
    }
}

/// Stores the configured keys: the server and the client key for the default project, the management key for the
/// default organisation.
///
/// The default project is the project that the server key already has, or a new one. A revoked key stays revoked.
///
/// # Errors
/// Returns a [`ConfigureError`] whose message contains the option to change, or the failure of the database.
pub async fn configure(core: &Core, pairs: ConfiguredPairs<'_>) -> Result<ConfiguredKeys, ConfigureError> {
    let ConfiguredPairs { server, client, management } = pairs;
    check(pairs)?;
    let mut transaction = core.pool.begin().await?;
    db::configured_keys::lock(&mut transaction).await?;
    for id in BTreeSet::from([server.id, client.id, management.id]) {
        db::credentials::lock_id(&mut transaction, id).await?;
    }
    let project = default_project(core, &mut transaction, server, client).await?;
    let organisation = Grant::Organisation(OrganisationId::DEFAULT);
    for (family, option, pair, grant) in [
        (Family::Server, "--app-id", server, project),
        (Family::Client, "--client-app-id", client, project),
        (Family::Management, "--management-id", management, organisation),
    ] {
        let is_valid = store(core, &mut transaction, (family, option), pair, server.id, grant).await?;
        if !is_valid {
            tracing::warn!(option, "the configured key was revoked or its project deleted: it grants no access");
        }
    }
    transaction.commit().await.map_err(Error::from)?;
    let [server, client, management] = [server, client, management].map(|pair| pair.id.to_owned());
    Ok(ConfiguredKeys { server, client, management })
}

fn check(pairs: ConfiguredPairs<'_>) -> Result<(), ConfigureError> {
    let ConfiguredPairs { server, client, management } = pairs;
    for (option, text) in [
        ("--app-id", server.id),
        ("--app-token", server.token),
        ("--client-app-id", client.id),
        ("--client-token", client.token),
        ("--management-id", management.id),
        ("--management-token", management.token),
    ] {
        if !is_valid_credential_text(text) || text.trim() != text {
            return Err(ConfigureError::InvalidText { option });
        }
    }
    Ok(())
}

/// Determines the default project and marks it as such: the project of the server key, or of the client key where the
/// server key was revoked, or a new project where the server key is unknown. Returns [`Grant::Nothing`] where that
/// project was deleted.
async fn default_project(
    core: &Core,
    connection: &mut PgConnection,
    server: ConfiguredPair<'_>,
    client: ConfiguredPair<'_>,
) -> Result<Grant, ConfigureError> {
    let known = match find(connection, Family::Server, server.id, server.id).await? {
        Some(Credential { grant: Grant::Nothing, .. }) => {
            find(connection, Family::Client, client.id, server.id).await?
        }
        None => {
            let project = db::projects::insert(connection, &new_project(core, "Sandbox Project")).await?;
            db::configured_keys::make_sandbox(connection, project).await?;
            return Ok(Grant::Project(project));
        }
        known => known,
    };
    let Some(Grant::Project(project)) = known.map(|known| known.grant) else { return Ok(Grant::Nothing) };
    // Lock the project, so that it is not deleted at the same time.
    if db::projects::lock(connection, project).await?.is_none() {
        return Ok(Grant::Nothing);
    }
    if db::projects::find_organisation(connection, project).await? != Some(OrganisationId::DEFAULT) {
        return Err(ConfigureError::BelongsToOtherOrganisation);
    }
    db::configured_keys::make_sandbox(connection, project).await?;
    Ok(Grant::Project(project))
}

/// Returns the key with that id, unless it was configured with another server key.
async fn find(
    connection: &mut PgConnection,
    family: Family,
    id: &str,
    server: &str,
) -> Result<Option<Credential>, sqlx::Error> {
    let known = db::credentials::find(connection, family, id, server).await?;
    Ok(known.filter(|known| {
        known.configured_by_app_id.as_deref().is_none_or(|configured_by_app_id| configured_by_app_id == server)
    }))
}

/// Stores a configured key that grants access to `grant`. Returns `false` where the key grants no access.
async fn store(
    core: &Core,
    connection: &mut PgConnection,
    (family, option): (Family, &'static str),
    pair: ConfiguredPair<'_>,
    server: &str,
    grant: Grant,
) -> Result<bool, ConfigureError> {
    let credential = Credential {
        grant,
        token_sha256: Sha256::digest(pair.token).to_vec(),
        is_configured: true,
        configured_by_app_id: Some(server.to_owned()),
        client_access: Arc::default(),
        control: ProjectControl::default(),
    };
    match find(connection, family, pair.id, server).await? {
        _ if grant == Grant::Nothing => Ok(false),
        None => Ok(db::credentials::insert(connection, family, pair.id, &credential, core.clock.now()).await?),
        Some(known) if known.grant == Grant::Nothing => Ok(false),
        // The key was created for another project on request, and must not be reassigned.
        Some(known) if known.is_configured && known.configured_by_app_id.is_none() && known.grant != grant => {
            Err(ConfigureError::BelongsToOtherProject { option, family })
        }
        // Configuring an auto-provisioned pair reassigns it.
        Some(_) => Ok(db::configured_keys::update(connection, family, pair.id, server, &credential).await?),
    }
}
