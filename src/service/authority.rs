//! The one place that knows what keys and tokens open.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::named_keys::Named;
use super::provision::provision;
use super::{Core, Error};
use crate::db;
use crate::db::credentials::{Credential, Token};
use crate::domain::credential::{Family, Opens, Principal, Scopes, is_presentable};
use crate::domain::limits;

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
    /// Those that options name.
    named: Named,
    /// Grows when nothing is believed any more.
    generation: AtomicU64,
    server: Memory<String, KnownPair>,
    client: Memory<String, KnownPair>,
    management: Memory<String, KnownPair>,
    /// By their digest.
    tokens: Memory<[u8; 32], KnownToken>,
    /// Whom everybody is taken for, where nothing is asked.
    anybody: Option<Principal>,
}

type Memory<K, T> = Cache<K, Believed<T>>;

/// What was read of a key or token, if there is one; of an older generation it is not believed any more.
#[derive(Debug)]
struct Believed<T> {
    generation: u64,
    known: Option<Arc<T>>,
}

impl<T> Clone for Believed<T> {
    fn clone(&self) -> Self {
        Self { generation: self.generation, known: self.known.clone() }
    }
}

/// A pair of keys that opens something.
#[derive(Debug)]
struct KnownPair {
    token_sha256: Vec<u8>,
    principal: Principal,
}

/// A token that opens something until it expires.
#[derive(Debug)]
struct KnownToken {
    expires_at: DateTime<Utc>,
    principal: Principal,
}

impl Authority {
    /// With an empty memory. Of the keys that options of any emulator name, those in `named` open something.
    #[must_use]
    pub fn new(strict: bool, named: Named) -> Self {
        Self {
            strict,
            named,
            generation: AtomicU64::default(),
            server: memory(),
            client: memory(),
            management: memory(),
            tokens: memory(),
            anybody: None,
        }
    }

    /// One that asks for nothing and takes everybody for `principal`: what authentication costs is measured against it.
    #[must_use]
    pub fn open_to(principal: Principal) -> Self {
        Self { anybody: Some(principal), ..Self::new(true, Named::default()) }
    }

    /// Whoever presents that; `None` where it opens nothing.
    ///
    /// A pair of server or client keys that was never seen gets a new, empty project, which it opens by both doors; a pair of
    /// management keys gets a new organisation. Not so where keys are strict. The same id with another token is refused, and so
    /// is the id of a key that was asked for and has another door.
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

    async fn resolve_pair(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token: &str,
    ) -> Result<Option<Principal>, Arc<Error>> {
        // Also where it came in another way than by headers.
        if !is_presentable(id) || !is_presentable(token) {
            return Ok(None);
        }
        let memory = self.memory(family);
        let token_sha256 = Sha256::digest(token);
        let known = match self.remembered(memory, id).await {
            Some(known) => known,
            // What is seldom done takes its place elsewhere.
            None => Box::pin(self.ask(memory, id, || self.load(core, family, id, &token_sha256))).await?,
        };
        // Digests of equal length, compared without a hint of where they differ.
        let known = known.filter(|known| bool::from(known.token_sha256.as_slice().ct_eq(&token_sha256)));
        Ok(known.map(|known| known.principal.clone()))
    }

    async fn load(
        &self,
        core: &Core,
        family: Family,
        id: &str,
        token_sha256: &[u8],
    ) -> Result<Option<KnownPair>, Error> {
        let known = match self.find(core, family, id).await? {
            None if !self.strict => provision(core, family, id, token_sha256).await?,
            known => known,
        };
        let is_open = |known: &Credential| {
            known.opens != Opens::Nothing
                && (known.is_configured || !self.strict)
                && self.named.opens(family, id, known.named_with.as_deref())
        };
        Ok(known.filter(is_open).map(|known| KnownPair {
            token_sha256: known.token_sha256,
            principal: Principal {
                opens: known.opens,
                family,
                scopes: Scopes::All,
                app_id: id.into(),
                client_access: known.client_access,
            },
        }))
    }

    async fn resolve_token(&self, core: &Core, token: &str) -> Result<Option<Principal>, Arc<Error>> {
        if token.is_empty() || token.len() > limits::CREDENTIAL_CHARS {
            return Ok(None);
        }
        // Found by its digest, of which nobody can guess a part.
        let token_sha256: [u8; 32] = Sha256::digest(token).into();
        let known = match self.remembered(&self.tokens, &token_sha256).await {
            Some(known) => known,
            None => Box::pin(self.ask(&self.tokens, &token_sha256, || self.load_token(core, &token_sha256))).await?,
        };
        Ok(known.filter(|known| core.clock.now() < known.expires_at).map(|known| known.principal.clone()))
    }

    async fn load_token(&self, core: &Core, token_sha256: &[u8]) -> Result<Option<KnownToken>, Error> {
        let known = find_token(core, token_sha256).await?;
        let is_open = |known: &Token| {
            (known.is_configured || !self.strict)
                && self.named.opens(Family::Server, &known.app_id, known.named_with.as_deref())
        };
        Ok(known.filter(is_open).map(|known| KnownToken {
            expires_at: known.expires_at,
            principal: Principal {
                opens: Opens::Project(known.project),
                family: Family::Server,
                scopes: Scopes::Only(known.scope.split_whitespace().map(str::to_owned).collect()),
                app_id: known.app_id,
                client_access: known.client_access,
            },
        }))
    }

    /// Whether that is a pair that was never seen, which gets something of its own when it is resolved.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_new(&self, core: &Core, family: Family, id: &str, token: &str) -> Result<bool, Error> {
        if self.strict || self.anybody.is_some() || !is_presentable(id) || !is_presentable(token) {
            return Ok(false);
        }
        Ok(self.remembered(self.memory(family), id).await.is_none() && self.find(core, family, id).await?.is_none())
    }

    async fn find(&self, core: &Core, family: Family, id: &str) -> Result<Option<Credential>, Error> {
        let mut connection = core.pool.acquire().await?;
        let known = db::credentials::find(&mut connection, family, id, self.named.server()).await?;
        connection.release();
        Ok(known)
    }

    fn memory(&self, family: Family) -> &Memory<String, KnownPair> {
        match family {
            Family::Server => &self.server,
            Family::Client => &self.client,
            Family::Management => &self.management,
        }
    }

    /// What is remembered under that key, and still believed.
    async fn remembered<K, Q, T>(&self, memory: &Memory<K, T>, key: &Q) -> Option<Option<Arc<T>>>
    where
        K: Borrow<Q> + Eq + Hash + Send + Sync + 'static,
        Q: Eq + Hash + ?Sized,
        T: Send + Sync + 'static,
    {
        let generation = self.generation.load(Ordering::SeqCst);
        memory.get(key).await.filter(|believed| believed.generation == generation).map(|believed| believed.known)
    }

    /// What `load` finds under that key, by one for all who ask at the same time.
    async fn ask<K, Q, T, L: Future<Output = Result<Option<T>, Error>>>(
        &self,
        memory: &Memory<K, T>,
        key: &Q,
        load: impl Fn() -> L,
    ) -> Result<Option<Arc<T>>, Arc<Error>>
    where
        K: Borrow<Q> + Eq + Hash + Send + Sync + 'static,
        Q: ToOwned<Owned = K> + Eq + Hash + ?Sized,
        T: Send + Sync + 'static,
    {
        loop {
            let generation = self.generation.load(Ordering::SeqCst);
            if memory.get(key).await.is_some_and(|believed| believed.generation < generation) {
                memory.invalidate(key).await;
            }
            let loaded = async { Ok(Believed { generation, known: load().await?.map(Arc::new) }) };
            let believed = memory.try_get_with(key.to_owned(), loaded).await?;
            // Another may have begun to load it before it was said that nothing is believed any more.
            if believed.generation >= generation {
                return Ok(believed.known);
            }
        }
    }
}

fn memory<K: Eq + Hash + Send + Sync + 'static, T: Send + Sync + 'static>() -> Memory<K, T> {
    Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED_FOR).build()
}

async fn find_token(core: &Core, token_sha256: &[u8]) -> Result<Option<Token>, Error> {
    let mut connection = core.pool.acquire().await?;
    let known = db::credentials::find_token(&mut connection, token_sha256).await?;
    connection.release();
    Ok(known)
}
