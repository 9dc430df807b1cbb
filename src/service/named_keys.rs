//! The keys that options name: what they open when the emulator starts.
//!
//! A key that options name belongs to the server key that they name with it. Emulators on one database that name one client key with
//! different server keys so have each a key of their own, which opens the project of their server key. Such a key opens something
//! only where it is named: it stops when the emulator starts with another, and works again when it is named again.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::provision::new_project;
use super::{Core, Error};
use crate::db;
use crate::db::credentials::Credential;
use crate::domain::credential::{Family, Opens, is_presentable};
use crate::domain::limits;
use crate::domain::project::OrganisationId;

/// A pair of keys that options name.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub id: &'a str,
    pub token: &'a str,
}

/// The pairs that options name.
#[derive(Clone, Copy)]
pub struct Pairs<'a> {
    pub server: Pair<'a>,
    pub client: Pair<'a>,
    pub management: Pair<'a>,
}

/// The ids of the keys that the options of this emulator name.
#[derive(Clone, Debug, Default)]
pub struct Named {
    server: String,
    client: String,
    management: String,
}

/// Why the emulator cannot start with its keys.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    #[error(
        "{option} must have 1 to {} printable ASCII characters, and no blank before or after them",
        limits::CREDENTIAL_CHARS
    )]
    Unpresentable { option: &'static str },
    #[error(
        "{option} names a {} key that was created for another project. Name another id, or start with the server key of that project \
         as --app-id",
        .family.as_str()
    )]
    OfAnotherProject { option: &'static str, family: Family },
    #[error(
        "--app-id names a server key that was created for a project of another organisation, which --management-id does not open. \
         Name another id"
    )]
    OfAnotherOrganisation,
    #[error("the keys of the default project cannot be stored: {0}")]
    Storage(#[from] Error),
}

impl From<sqlx::Error> for ConfigureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Named {
    /// The id of the server key.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether a key that options of some emulator name, with the server key `named_with`, is one of these. Every other is not
    /// their business.
    #[must_use]
    pub fn opens(&self, family: Family, id: &str, named_with: Option<&str>) -> bool {
        let own = match family {
            Family::Server => &self.server,
            Family::Client => &self.client,
            Family::Management => &self.management,
        };
        named_with.is_none_or(|server| server == self.server && id == own)
    }
}

/// Sees to it that the pairs open the default project by its two doors, and the default organisation.
///
/// The project is the one that the server key has always opened, or a new one. A key that was revoked stays so.
///
/// # Errors
/// [`ConfigureError`] says what to do.
pub async fn configure(core: &Core, pairs: Pairs<'_>) -> Result<Named, ConfigureError> {
    let Pairs { server, client, management } = pairs;
    check(pairs)?;
    let mut transaction = core.pool.begin().await?;
    db::named_keys::lock(&mut transaction).await?;
    for id in BTreeSet::from([server.id, client.id, management.id]) {
        db::credentials::lock_id(&mut transaction, id).await?;
    }
    let project = default_project(core, &mut transaction, server, client).await?;
    let organisation = Opens::Organisation(OrganisationId::DEFAULT);
    for (family, option, pair, opens) in [
        (Family::Server, "--app-id", server, project),
        (Family::Client, "--client-app-id", client, project),
        (Family::Management, "--management-id", management, organisation),
    ] {
        let is_open = name(core, &mut transaction, (family, option), pair, server.id, opens).await?;
        if !is_open {
            tracing::warn!(
                option,
                "the key that this option names was revoked, or its project deleted: it opens nothing"
            );
        }
    }
    transaction.commit().await.map_err(Error::from)?;
    let [server, client, management] = [server, client, management].map(|pair| pair.id.to_owned());
    Ok(Named { server, client, management })
}

fn check(pairs: Pairs<'_>) -> Result<(), ConfigureError> {
    let Pairs { server, client, management } = pairs;
    for (option, text) in [
        ("--app-id", server.id),
        ("--app-token", server.token),
        ("--client-app-id", client.id),
        ("--client-token", client.token),
        ("--management-id", management.id),
        ("--management-token", management.token),
    ] {
        if !is_presentable(text) || text.trim() != text {
            return Err(ConfigureError::Unpresentable { option });
        }
    }
    Ok(())
}

/// What the server key opens, which from now on is the default project; a new one, where it was never seen. Where it was revoked,
/// what the client key opens.
async fn default_project(
    core: &Core,
    connection: &mut PgConnection,
    server: Pair<'_>,
    client: Pair<'_>,
) -> Result<Opens, ConfigureError> {
    let known = match own(connection, Family::Server, server.id, server.id).await? {
        Some(Credential { opens: Opens::Nothing, .. }) => own(connection, Family::Client, client.id, server.id).await?,
        None => {
            let project = db::projects::insert(connection, &new_project(core, "Sandbox Project")).await?;
            db::named_keys::make_sandbox(connection, project).await?;
            return Ok(Opens::Project(project));
        }
        known => known,
    };
    let Some(Opens::Project(project)) = known.map(|known| known.opens) else { return Ok(Opens::Nothing) };
    // Nobody deletes it meanwhile.
    if db::projects::lock(connection, project).await?.is_none() {
        return Ok(Opens::Nothing);
    }
    if db::projects::organisation_of(connection, project).await? != Some(OrganisationId::DEFAULT) {
        return Err(ConfigureError::OfAnotherOrganisation);
    }
    db::named_keys::make_sandbox(connection, project).await?;
    Ok(Opens::Project(project))
}

/// The key of that id, unless it is one that other emulators name.
async fn own(
    connection: &mut PgConnection,
    family: Family,
    id: &str,
    server: &str,
) -> Result<Option<Credential>, sqlx::Error> {
    let known = db::credentials::find(connection, family, id, server).await?;
    Ok(known.filter(|known| known.named_with.as_deref().is_none_or(|named_with| named_with == server)))
}

/// Has a pair open that; `false` where it opens nothing.
async fn name(
    core: &Core,
    connection: &mut PgConnection,
    (family, option): (Family, &'static str),
    pair: Pair<'_>,
    server: &str,
    opens: Opens,
) -> Result<bool, ConfigureError> {
    let credential = Credential {
        opens,
        token_sha256: Sha256::digest(pair.token).to_vec(),
        is_configured: true,
        named_with: Some(server.to_owned()),
        client_access: Arc::default(),
    };
    match own(connection, family, pair.id, server).await? {
        _ if opens == Opens::Nothing => Ok(false),
        None => Ok(db::credentials::insert(connection, family, pair.id, &credential, core.clock.now()).await?),
        Some(known) if known.opens == Opens::Nothing => Ok(false),
        // It was made for one project, and is not taken from it.
        Some(known) if known.is_configured && known.named_with.is_none() && known.opens != opens => {
            Err(ConfigureError::OfAnotherProject { option, family })
        }
        Some(_) => Ok(db::named_keys::name(connection, family, pair.id, server, &credential).await?),
    }
}
