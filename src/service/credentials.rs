//! Which project a pair of keys opens.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Core, Error};
use crate::db;
use crate::db::projects::Credential;
use crate::domain::limits;
use crate::domain::project::ProjectId;

/// How long a key is believed without asking the database again.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Keys that are remembered at once.
const REMEMBERED: u64 = 20_000;

/// Resolves pairs of keys to projects, with a short memory, so that a request costs no query for it.
#[derive(Debug)]
pub struct Credentials {
    /// Whether a pair that was never seen is refused instead of getting a project of its own.
    strict: bool,
    known: Cache<String, Option<Credential>>,
}

impl Credentials {
    /// With an empty memory.
    #[must_use]
    pub fn new(strict: bool) -> Self {
        Self { strict, known: Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED_FOR).build() }
    }

    /// The project that the pair opens; `None` where the pair is refused. A pair never seen before gets a new, empty
    /// project, unless keys are strict; the same id with another token is refused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resolve(&self, core: &Core, app_id: &str, token: &str) -> Result<Option<ProjectId>, Arc<Error>> {
        let acceptable = |text: &str| !text.is_empty() && text.len() <= limits::CREDENTIAL_CHARS;
        if !acceptable(app_id) || !acceptable(token) {
            return Ok(None);
        }
        let token_sha256 = Sha256::digest(token);
        let known = match self.known.get(app_id).await {
            Some(known) => known,
            None => self.known.try_get_with(app_id.to_owned(), self.load(core, app_id, &token_sha256)).await?,
        };
        // Digests of equal length, compared without a hint of where they differ.
        Ok(known
            .filter(|credential| bool::from(credential.token_sha256.as_slice().ct_eq(&token_sha256)))
            .map(|credential| credential.project))
    }

    async fn load(&self, core: &Core, app_id: &str, token_sha256: &[u8]) -> Result<Option<Credential>, Error> {
        let known = find(core, app_id).await?;
        if self.strict {
            return Ok(known.filter(|credential| credential.is_configured));
        }
        match known {
            Some(known) => Ok(Some(known)),
            None => provision(core, app_id, token_sha256, false).await.map(Some),
        }
    }
}

/// Sees to it that the pair opens a project, the same one as ever for that id.
///
/// # Errors
/// When the database fails.
pub async fn configure(core: &Core, app_id: &str, token: &str) -> Result<(), Error> {
    let token_sha256 = Sha256::digest(token);
    let credential = provision(core, app_id, &token_sha256, true).await?;
    if !credential.is_configured || credential.token_sha256 != token_sha256.as_slice() {
        let mut connection = core.pool.acquire().await?;
        db::projects::configure_credential(&mut connection, app_id, &token_sha256).await?;
        connection.release();
    }
    Ok(())
}

/// The key with that id, made with a project of its own where it is unknown.
async fn provision(core: &Core, app_id: &str, token_sha256: &[u8], is_configured: bool) -> Result<Credential, Error> {
    let mut transaction = core.pool.begin().await?;
    let now = core.clock.now();
    let name = if is_configured { "configured" } else { "by its first request" };
    let project = db::projects::insert(&mut transaction, &core.ids.random_of("proj_", 12), name, now).await?;
    let credential = Credential { project, token_sha256: token_sha256.to_vec(), is_configured };
    if db::projects::insert_credential(&mut transaction, app_id, &credential, now).await? {
        transaction.commit().await?;
        return Ok(credential);
    }
    // Another request, or another process, was first; the new project goes with the transaction.
    drop(transaction);
    find(core, app_id).await?.ok_or(Error::LostRace)
}

async fn find(core: &Core, app_id: &str) -> Result<Option<Credential>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::projects::find_credential(&mut connection, app_id).await?;
    connection.release();
    Ok(known)
}
