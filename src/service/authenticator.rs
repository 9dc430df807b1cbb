//! Authentication: which principal a pair of keys or a token belongs to.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::configured_keys::ConfiguredKeys;
use super::provision::{create_project, provision};
use super::{Core, Error};
use crate::db;
use crate::db::credentials::{Credential, Token};
use crate::domain::built_in_keys::is_built_in;
use crate::domain::credential::{Family, Grant, Principal, Scopes, is_valid_credential_text};
use crate::domain::limits;
use crate::domain::project::{KeyPair, ProjectId};

/// How long a cached key or token is used before it is queried again.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// How many keys of one family, and how many tokens, are cached at most.
const MAX_CACHED_CREDENTIALS: u64 = 20_000;

/// The credentials of a request.
#[derive(Clone, Copy)]
pub enum RequestCredentials<'a> {
    /// A pair of keys.
    Pair { family: Family, id: &'a str, token: &'a str },
    /// A token of `POST /v1/oauth/token`.
    Bearer(&'a str),
}

/// Authenticates requests. A short-lived cache keeps the database out of most requests.
#[derive(Debug)]
pub struct Authenticator {
    /// Whether an unknown pair is rejected instead of provisioned.
    strict: bool,
    configured: ConfiguredKeys,
    server: CredentialCache<String, KnownPair>,
    client: CredentialCache<String, KnownPair>,
    management: CredentialCache<String, KnownPair>,
    /// Keyed by the SHA-256 digest of the token.
    tokens: CredentialCache<[u8; 32], KnownToken>,
    /// The principal of every request when authentication is switched off.
    auth_disabled_as: Option<Principal>,
    /// The project whose content each provisioned project starts with.
    template: OnceLock<ProjectId>,
}

type CredentialCache<K, T> = Cache<K, CachedCredential<T>>;

/// A cached key or token, or the fact that there is none. Valid only in the generation in which it was loaded.
#[derive(Debug)]
struct CachedCredential<T> {
    generation: u64,
    known: Option<Arc<T>>,
}

impl<T> Clone for CachedCredential<T> {
    fn clone(&self) -> Self {
        Self { generation: self.generation, known: self.known.clone() }
    }
}

/// A valid pair of keys.
#[derive(Debug)]
struct KnownPair {
    token_sha256: Vec<u8>,
    principal: Principal,
}

/// A token, valid until it expires.
#[derive(Debug)]
struct KnownToken {
    expires_at: DateTime<Utc>,
    principal: Principal,
}

impl Authenticator {
    /// Creates an authenticator with an empty cache. Of the keys that any emulator on the database has configured, only
    /// those in `configured` are accepted.
    #[must_use]
    pub fn new(strict: bool, configured: ConfiguredKeys) -> Self {
        Self {
            strict,
            configured,
            server: new_cache(),
            client: new_cache(),
            management: new_cache(),
            tokens: new_cache(),
            auth_disabled_as: None,
            template: OnceLock::new(),
        }
    }

    /// Sets the project whose content new projects start with. Only the first call has an effect.
    pub fn set_template(&self, template: ProjectId) {
        let _ = self.template.set(template);
    }

    /// Creates a project with the content of the template, and a pair of keys that grants access to it in both families, also while keys
    /// are strict.
    ///
    /// # Errors
    /// Returns an error when a database statement fails.
    pub async fn create_project(&self, core: &Core) -> Result<(ProjectId, KeyPair), Error> {
        create_project(core, self.template.get().copied()).await
    }

    /// Creates an authenticator that checks nothing and returns `principal` for every request. Benchmarks measure the
    /// cost of authentication against it.
    #[must_use]
    pub fn with_auth_disabled(principal: Principal) -> Self {
        Self { auth_disabled_as: Some(principal), ..Self::new(true, ConfiguredKeys::default()) }
    }

    /// Returns the principal of the credentials, or `None` where they are not valid.
    ///
    /// Unless keys are strict, an unknown pair of server or client keys is provisioned with a new project, which
    /// it can access in both families; an unknown pair of management keys is provisioned with a new organisation. A
    /// known id with another token is rejected, and so is the id of a key that was created on request for another
    /// family.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn authenticate(
        &self,
        core: &Core,
        credentials: RequestCredentials<'_>,
    ) -> Result<Option<Principal>, Arc<Error>> {
        if let Some(principal) = &self.auth_disabled_as {
            return Ok(Some(principal.clone()));
        }
        match credentials {
            RequestCredentials::Pair { family, id, token } => self.authenticate_pair(core, family, id, token).await,
            RequestCredentials::Bearer(token) => self.authenticate_token(core, token).await,
        }
    }

    /// Returns the principal of the credentials like [`Authenticator::authenticate`], but provisions nothing.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn identify(
        &self,
        core: &Core,
        credentials: RequestCredentials<'_>,
    ) -> Result<Option<Principal>, Arc<Error>> {
        let RequestCredentials::Pair { family, id, token } = credentials else {
            return self.authenticate(core, credentials).await;
        };
        if self.auth_disabled_as.is_some()
            || self.cached(core, self.cache(family), id).await.is_some_and(|known| known.is_some())
        {
            return self.authenticate(core, credentials).await;
        }
        if !is_valid_credential_text(id) || !is_valid_credential_text(token) {
            return Ok(None);
        }
        // The result is not cached, because the next request with the same keys may create their project.
        let known = self.find(core, family, id).await?.and_then(|known| self.valid_pair(family, id, known));
        let token_sha256 = Sha256::digest(token);
        let known = known.filter(|known| bool::from(known.token_sha256.as_slice().ct_eq(&token_sha256)));
        Ok(known.map(|known| known.principal))
    }

    async fn authenticate_pair(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token: &str,
    ) -> Result<Option<Principal>, Arc<Error>> {
        // Not every pair comes from headers, so check here as well that a header can carry it.
        if !is_valid_credential_text(id) || !is_valid_credential_text(token) {
            return Ok(None);
        }
        let cache = self.cache(family);
        let token_sha256 = Sha256::digest(token);
        let known = match self.cached(core, cache, id).await {
            Some(known) => known,
            // A cache miss is rare. Boxing its future keeps the future of every request small.
            None => {
                Box::pin(self.load_cached(core, cache, id, || self.load_pair(core, family, id, &token_sha256))).await?
            }
        };
        // Compare digests of equal length in constant time, so that the response time does not show where they differ.
        let known = known.filter(|known| bool::from(known.token_sha256.as_slice().ct_eq(&token_sha256)));
        Ok(known.map(|known| known.principal.clone()))
    }

    async fn load_pair(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token_sha256: &[u8],
    ) -> Result<Option<KnownPair>, Error> {
        let known = match self.find(core, family, id).await? {
            None if !self.strict => provision(core, family, id, token_sha256, self.template.get().copied()).await?,
            known => known,
        };
        Ok(known.and_then(|known| self.valid_pair(family, id, known)))
    }

    /// Returns the pair of a stored key, unless the key is revoked or not accepted.
    fn valid_pair(&self, family: Family, id: &str, known: Credential) -> Option<KnownPair> {
        let is_valid = known.grant != Grant::Nothing
            && (known.is_configured || !self.strict)
            && self.configured.accepts(family, id, known.configured_by_app_id.as_deref());
        is_valid.then(|| KnownPair {
            principal: Principal {
                grant: known.grant,
                family,
                scopes: Scopes::All,
                app_id: id.into(),
                is_built_in: is_built_in(id, &known.token_sha256),
                client_access: known.client_access,
                control: known.control,
            },
            token_sha256: known.token_sha256,
        })
    }

    async fn authenticate_token(&self, core: &Core, token: &str) -> Result<Option<Principal>, Arc<Error>> {
        if token.is_empty() || token.len() > limits::CREDENTIAL_CHARS {
            return Ok(None);
        }
        // The lookup uses the digest, so its response time shows no part of a valid token.
        let token_sha256: [u8; 32] = Sha256::digest(token).into();
        let known = match self.cached(core, &self.tokens, &token_sha256).await {
            Some(known) => known,
            None => {
                Box::pin(self.load_cached(core, &self.tokens, &token_sha256, || self.load_token(core, &token_sha256)))
                    .await?
            }
        };
        let is_unexpired =
            |known: &Arc<KnownToken>| known.principal.control.clock.at(core.clock.now()) < known.expires_at;
        Ok(known.filter(is_unexpired).map(|known| known.principal.clone()))
    }

    async fn load_token(&self, core: &Core, token_sha256: &[u8]) -> Result<Option<KnownToken>, Error> {
        let known = find_token(core, token_sha256).await?;
        let is_valid = |known: &Token| {
            (known.is_configured || !self.strict)
                && self.configured.accepts(Family::Server, &known.app_id, known.configured_by_app_id.as_deref())
        };
        Ok(known.filter(is_valid).map(|known| KnownToken {
            expires_at: known.expires_at,
            principal: Principal {
                grant: Grant::Project(known.project),
                family: Family::Server,
                scopes: Scopes::Only(known.scope.split_whitespace().map(str::to_owned).collect()),
                app_id: known.app_id,
                is_built_in: false,
                client_access: known.client_access,
                control: known.control,
            },
        }))
    }

    /// Whether [`Authenticator::authenticate`] would provision this pair, because its id is unknown.
    ///
    /// # Errors
    /// Returns an error when the database query fails.
    pub async fn would_provision(&self, core: &Core, family: Family, id: &str, token: &str) -> Result<bool, Error> {
        if self.strict
            || self.auth_disabled_as.is_some()
            || !is_valid_credential_text(id)
            || !is_valid_credential_text(token)
        {
            return Ok(false);
        }
        Ok(self.cached(core, self.cache(family), id).await.is_none() && self.find(core, family, id).await?.is_none())
    }

    async fn find(&self, core: &Core, family: Family, id: &str) -> Result<Option<Credential>, Error> {
        Ok(core.batches.find_credential(family, id, self.configured.server()).await?)
    }

    /// Returns how many keys and tokens are cached.
    pub async fn cached_entries(&self) -> u64 {
        let Self { server, client, management, tokens, .. } = self;
        // The caches count what was added and what has expired only in these tasks.
        for pairs in [server, client, management] {
            pairs.run_pending_tasks().await;
        }
        tokens.run_pending_tasks().await;
        [server, client, management].into_iter().map(Cache::entry_count).sum::<u64>() + tokens.entry_count()
    }

    fn cache(&self, family: Family) -> &CredentialCache<String, KnownPair> {
        match family {
            Family::Server => &self.server,
            Family::Client => &self.client,
            Family::Management => &self.management,
        }
    }

    /// Returns the cached value under `key`, if it is still valid.
    async fn cached<K, Q, T>(&self, core: &Core, cache: &CredentialCache<K, T>, key: &Q) -> Option<Option<Arc<T>>>
    where
        K: Borrow<Q> + Eq + Hash + Send + Sync + 'static,
        Q: Eq + Hash + ?Sized,
        T: Send + Sync + 'static,
    {
        let generation = core.credentials.current();
        let cached = cache.get(key).await.filter(|cached| cached.generation == generation);
        core.metrics.caches.credentials.record(cached.is_some());
        cached.map(|cached| cached.known)
    }

    /// Loads the value under `key` and caches it. Concurrent calls for one key share one load.
    async fn load_cached<K, Q, T, L: Future<Output = Result<Option<T>, Error>>>(
        &self,
        core: &Core,
        cache: &CredentialCache<K, T>,
        key: &Q,
        load: impl Fn() -> L,
    ) -> Result<Option<Arc<T>>, Arc<Error>>
    where
        K: Borrow<Q> + Eq + Hash + Send + Sync + 'static,
        Q: ToOwned<Owned = K> + Eq + Hash + ?Sized,
        T: Send + Sync + 'static,
    {
        loop {
            let generation = core.credentials.current();
            if cache.get(key).await.is_some_and(|cached| cached.generation < generation) {
                cache.invalidate(key).await;
            }
            let loading = async { Ok(CachedCredential { generation, known: load().await?.map(Arc::new) }) };
            let cached = cache.try_get_with(key.to_owned(), loading).await?;
            // A concurrent call may have started this load before the cache was invalidated. Its result is too old.
            if cached.generation >= generation {
                return Ok(cached.known);
            }
        }
    }
}

fn new_cache<K: Eq + Hash + Send + Sync + 'static, T: Send + Sync + 'static>() -> CredentialCache<K, T> {
    Cache::builder().max_capacity(MAX_CACHED_CREDENTIALS).time_to_live(CACHE_TTL).build()
}

async fn find_token(core: &Core, token_sha256: &[u8]) -> Result<Option<Token>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find_token(&mut connection, token_sha256).await?;
    connection.release();
    Ok(known)
}
