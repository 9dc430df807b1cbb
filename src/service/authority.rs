//! The one place that knows what keys and tokens open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Core, Error};
use crate::db;
use crate::db::credentials::{Credential, Token};
use crate::db::projects::NewProject;
use crate::domain::credential::{Family, Opens, Principal, Scopes};
use crate::domain::limits;
use crate::domain::project::OrganisationId;

/// How long a key or a token is believed without asking the database again.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Keys of a family, and tokens, that are remembered at once.
const REMEMBERED: u64 = 20_000;

/// What somebody shows to be let in.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// A pair of keys.
    Pair { family: Family, id: &'a str, token: &'a str },
    /// A token of `POST /v1/oauth/token`.
    Bearer(&'a str),
}

/// Resolves what is presented to whoever presents it, with a short memory, so that a request costs no query for it.
#[derive(Debug)]
pub struct Authority {
    /// Whether a pair that was never seen is refused instead of getting something of its own.
    strict: bool,
    /// Grows when nothing is believed any more. It is a part of every key, so that what was asked before and is answered after is
    /// not believed either.
    generation: AtomicU64,
    server: Cache<(u64, String), Option<Credential>>,
    client: Cache<(u64, String), Option<Credential>>,
    management: Cache<(u64, String), Option<Credential>>,
    /// By their digest.
    tokens: Cache<(u64, [u8; 32]), Option<Token>>,
    /// Whom everybody is taken for, where nothing is asked.
    anybody: Option<Principal>,
}

impl Authority {
    /// With an empty memory.
    #[must_use]
    pub fn new(strict: bool) -> Self {
        let pairs = || Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED_FOR).build();
        let tokens = Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED_FOR).build();
        let generation = AtomicU64::default();
        Self { strict, generation, server: pairs(), client: pairs(), management: pairs(), tokens, anybody: None }
    }

    /// One that asks for nothing and takes everybody for `principal`: what authentication costs is measured against it.
    #[must_use]
    pub fn open_to(principal: Principal) -> Self {
        Self { anybody: Some(principal), ..Self::new(true) }
    }

    /// Whoever presents that; `None` where it opens nothing.
    ///
    /// A pair of server or client keys that was never seen gets a new, empty project, which it opens by both doors; a pair of
    /// management keys gets a new organisation. Not so where keys are strict. The same id with another token is refused, and so
    /// is the id of a key that another door of a project has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resolve(&self, core: &Core, presented: Presented<'_>) -> Result<Option<Principal>, Arc<Error>> {
        if let Some(anybody) = &self.anybody {
            return Ok(Some(anybody.clone()));
        }
        match presented {
            Presented::Pair { family, id, token } => self.resolve_pair(core, family, id, token).await,
            Presented::Bearer(token) => self.resolve_token(core, token).await,
        }
    }

    /// Believes nothing any more, so that a change of keys, tokens or settings in this process is seen by the next request.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    async fn resolve_pair(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token: &str,
    ) -> Result<Option<Principal>, Arc<Error>> {
        // What a header can carry, also where it came in another way.
        let acceptable = |text: &str| {
            !text.is_empty()
                && text.len() <= limits::CREDENTIAL_CHARS
                && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        if !acceptable(id) || !acceptable(token) {
            return Ok(None);
        }
        let pairs = match family {
            Family::Server => &self.server,
            Family::Client => &self.client,
            Family::Management => &self.management,
        };
        let token_sha256 = Sha256::digest(token);
        let key = (self.generation(), id.to_owned());
        let known = match pairs.get(&key).await {
            Some(known) => known,
            None => pairs.try_get_with(key, self.load(core, family, id, &token_sha256)).await?,
        };
        // Digests of equal length, compared without a hint of where they differ.
        let known = known.filter(|known| bool::from(known.token_sha256.as_slice().ct_eq(&token_sha256)));
        Ok(known.filter(|known| known.opens != Opens::Nothing).map(|known| Principal {
            opens: known.opens,
            family,
            scopes: Scopes::All,
            app_id: id.into(),
            client_access: known.client_access,
        }))
    }

    async fn load(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token_sha256: &[u8],
    ) -> Result<Option<Credential>, Error> {
        let known = find(core, family, id).await?;
        if self.strict {
            return Ok(known.filter(|credential| credential.is_configured));
        }
        match known {
            Some(known) => Ok(Some(known)),
            None => provision(core, family, id, token_sha256).await,
        }
    }

    async fn resolve_token(&self, core: &Core, token: &str) -> Result<Option<Principal>, Arc<Error>> {
        if token.is_empty() || token.len() > limits::CREDENTIAL_CHARS {
            return Ok(None);
        }
        // Found by its digest, of which nobody can guess a part.
        let token_sha256: [u8; 32] = Sha256::digest(token).into();
        let key = (self.generation(), token_sha256);
        let known = match self.tokens.get(&key).await {
            Some(known) => known,
            None => self.tokens.try_get_with(key, find_token(core, &token_sha256)).await?,
        };
        let known = known.filter(|known| known.is_configured || !self.strict);
        Ok(known.filter(|known| core.clock.now() < known.expires_at).map(|known| Principal {
            opens: Opens::Project(known.project),
            family: Family::Server,
            scopes: Scopes::Only(known.scope.split_whitespace().map(str::to_owned).collect()),
            app_id: known.app_id,
            client_access: known.client_access,
        }))
    }
}

/// A pair of keys that an option names.
#[derive(Clone, Copy)]
pub struct Configured<'a> {
    pub id: &'a str,
    pub token: &'a str,
}

/// Sees to it that the pairs open the default project by its two doors, and the default organisation.
///
/// The project is the one that the server key has always opened, or a new one. A key that was revoked stays so.
///
/// # Errors
/// When the database fails.
pub async fn configure(
    core: &Core,
    server: Configured<'_>,
    client: Configured<'_>,
    management: Configured<'_>,
) -> Result<(), Error> {
    let known = find(core, Family::Server, server.id).await?.map(|known| known.opens);
    let known = match known {
        // What it opened is what the client key opens.
        Some(Opens::Nothing) => find(core, Family::Client, client.id).await?.map(|known| known.opens),
        known => known,
    };
    let mut transaction = core.pool.begin().await?;
    let now = core.clock.now();
    let project = if let Some(opens) = known {
        opens
    } else {
        let new = new_project(core, "Sandbox Project", true);
        Opens::Project(db::projects::insert(&mut transaction, &new).await?)
    };
    let pairs = [
        (Family::Server, server, project),
        (Family::Client, client, project),
        (Family::Management, management, Opens::Organisation(OrganisationId::DEFAULT)),
    ];
    for (family, pair, opens) in pairs.into_iter().filter(|(_, _, opens)| *opens != Opens::Nothing) {
        let token_sha256 = Sha256::digest(pair.token).to_vec();
        let credential = Credential { opens, token_sha256, is_configured: true, client_access: Arc::default() };
        if !db::credentials::insert(&mut transaction, family, pair.id, &credential, now).await? {
            let is_open = db::credentials::configure(&mut transaction, family, pair.id, &credential).await?;
            if !is_open {
                tracing::warn!(family = family.as_str(), "the configured key was revoked and opens nothing");
            }
        }
    }
    Ok(transaction.commit().await?)
}

/// A project with a name and nothing else of its own.
fn new_project(core: &Core, name: &str, is_sandbox: bool) -> NewProject {
    NewProject {
        public_id: core.ids.random_of("proj_", 12),
        name: name.to_owned(),
        organisation: OrganisationId::DEFAULT,
        is_sandbox,
        webhook_token: core.ids.uuid(),
        settings: None,
        created_at: core.clock.now(),
    }
}

/// A key that was never seen, with something new that it opens; `None` where its id is that of a key for another door only.
async fn provision(core: &Core, family: Family, id: &str, token_sha256: &[u8]) -> Result<Option<Credential>, Error> {
    let mut transaction = core.pool.begin().await?;
    let now = core.clock.now();
    let (opens, families): (_, &[Family]) = match family {
        Family::Management => {
            let organisation = db::projects::insert_organisation(&mut transaction, now).await?;
            (Opens::Organisation(organisation), &[Family::Management])
        }
        Family::Server | Family::Client => {
            let project = db::projects::insert(&mut transaction, &new_project(core, id, false)).await?;
            (Opens::Project(project), &[Family::Server, Family::Client])
        }
    };
    let credential =
        Credential { opens, token_sha256: token_sha256.to_vec(), is_configured: false, client_access: Arc::default() };
    for &one in families {
        if !db::credentials::insert(&mut transaction, one, id, &credential, now).await? {
            // Another request, or another process, was first, or the id belongs to another door: a client key that was made for a
            // project does not open an empty one by the server's. What is new goes with the transaction.
            transaction.roll_back().await;
            return find(core, family, id).await;
        }
    }
    transaction.commit().await?;
    Ok(Some(credential))
}

async fn find(core: &Core, family: Family, id: &str) -> Result<Option<Credential>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find(&mut connection, family, id).await?;
    connection.release();
    Ok(known)
}

async fn find_token(core: &Core, token_sha256: &[u8]) -> Result<Option<Token>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find_token(&mut connection, token_sha256).await?;
    connection.release();
    Ok(known)
}
