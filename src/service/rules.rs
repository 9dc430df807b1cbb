//! The rules of projects, remembered between requests.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::future::Cache;
use sqlx::PgConnection;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock as Gate};

use super::{Caller, Core, Error};
use crate::db;
use crate::db::pool::Transaction;
use crate::domain::filter::{CustomerField, Filter};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::rules::{FilteredSegment, Rules};

/// How long a project is remembered that nobody asks for.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);
/// Projects whose rules are remembered at once.
const REMEMBERED: u64 = 10_000;

/// What is remembered of projects. Rules are never believed without a look at their version: a read asks for it, and a write
/// holds it still.
#[derive(Debug)]
pub struct RulesMemory(Cache<ProjectId, Arc<Remembered>>);

/// What is remembered of one project.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    rules: RwLock<Arc<Rules>>,
    /// Held with others by who writes, and alone by who changes the rules. The database keeps other processes apart; this
    /// keeps the requests of one project from waiting with a connection in hand that other projects need.
    gate: Arc<Gate<()>>,
}

impl Default for RulesMemory {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build())
    }
}

impl RulesMemory {
    pub(super) async fn of(&self, project: ProjectId) -> Arc<Remembered> {
        self.0.get_with(project, async { Arc::default() }).await
    }

    /// Forgets a project that is no more.
    pub(super) async fn forget(&self, project: ProjectId) {
        self.0.invalidate(&project).await;
    }
}

impl Remembered {
    /// The rules as they were last read, or as nobody has made any; the caller sees to it that their version is right.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody is alone in the project. To be called before a connection is asked for.
    pub async fn enter(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.gate).read_owned().await
    }

    /// Waits until nobody else is in the project. To be called before a connection is asked for.
    pub async fn enter_alone(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    /// The rules of that version, which the connection's transaction holds still.
    pub async fn rules_of_version(
        &self,
        connection: &mut PgConnection,
        project: ProjectId,
        version: i64,
    ) -> Result<Arc<Rules>, Error> {
        let known = self.rules();
        if known.version == version {
            return Ok(known);
        }
        let read = Arc::new(read(connection, project, version).await?);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }
}

/// The rules as they are now, for a request that only reads.
///
/// # Errors
/// When the database fails.
pub async fn current(core: &Core, connection: &mut PgConnection, project: ProjectId) -> Result<Arc<Rules>, Error> {
    // Rules that are newer than the version under which they are kept are only read once more.
    let version = db::rules::version(connection, project).await?;
    core.rules.of(project).await.rules_of_version(connection, project, version).await
}

/// Reads the rules; `version` was read before them.
async fn read(connection: &mut PgConnection, project: ProjectId, version: i64) -> Result<Rules, Error> {
    let mut rules = Rules {
        version,
        metadata_schemas: db::metadata_schemas::all(connection, project).await?,
        event_schemas: db::event_schemas::all(connection, project).await?,
        segments: Vec::new(),
        subscriptions: db::webhooks::subscriptions(connection, project).await?,
    };
    for segment in db::segments::filtered(connection, project).await? {
        let json = segment.filter.as_ref().map(JsonText::value).unwrap_or_default();
        // One that was read when it was made, and that a schema has made unreadable since, is passed by nobody.
        let filter = rules.customer_filter(&json).unwrap_or_else(|_| Filter::none());
        let (id, name, kind, created_at) = (segment.id, segment.name, segment.kind, segment.created_at);
        rules.segments.push(FilteredSegment { id, name, kind, filter, created_at });
    }
    Ok(rules)
}

/// A transaction in which its project is alone: nobody else writes there. Dropped before [`Alone::commit`], nothing was done.
#[derive(Debug)]
pub(super) struct Alone {
    transaction: Transaction,
    /// The rules as they are.
    pub rules: Arc<Rules>,
    _gate: OwnedRwLockWriteGuard<()>,
}

impl Alone {
    /// Waits for everyone who writes in the project, and begins.
    pub async fn begin(core: &Core, caller: &Caller) -> Result<Self, Error> {
        let remembered = core.rules.of(caller.project).await;
        let gate = remembered.enter_alone().await;
        let (mut transaction, version) = db::rules::begin_alone(&core.pool, caller.project).await?;
        let rules = remembered.rules_of_version(&mut transaction, caller.project, version).await?;
        Ok(Self { transaction, rules, _gate: gate })
    }

    /// The connection with the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Undoes what was done, and waits for that.
    async fn roll_back(self) {
        self.transaction.roll_back().await;
    }

    /// Makes what was done last.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }
}

/// A transaction that changes the rules of a project, alone in it. At its end everyone is put in and out of the segments that
/// are new or read differently by the new rules.
#[derive(Debug)]
pub(super) struct Revision<'a> {
    core: &'a Core,
    caller: &'a Caller,
    alone: Alone,
    /// A key that was taken out of the metadata of all customers.
    purged: Option<String>,
}

impl<'a> Revision<'a> {
    /// Begins. Dropped before [`Revision::commit`], nothing was done.
    pub async fn begin(core: &'a Core, caller: &'a Caller) -> Result<Self, Error> {
        Ok(Self { core, caller, alone: Alone::begin(core, caller).await?, purged: None })
    }

    /// The rules as they are until now.
    pub fn before(&self) -> &Rules {
        &self.alone.rules
    }

    /// The connection with the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.alone.connection()
    }

    /// Says that a key was taken out of the metadata of all customers.
    pub fn purged(&mut self, key: &str) {
        self.purged = Some(key.to_owned());
    }

    /// Undoes what was done, and waits for that.
    pub async fn roll_back(self) {
        self.alone.roll_back().await;
    }

    /// Settles the segments that the change concerns, and makes it all last. Nobody is told of it in the activity: no customer
    /// has changed.
    pub async fn commit(mut self) -> Result<(), Error> {
        let Self { core, caller, alone, purged } = &mut self;
        let Alone { transaction, rules: before, .. } = alone;
        db::rules::bump(transaction, caller.project).await?;
        let after = read(transaction, caller.project, before.version + 1).await?;
        let (timed, timed_before) = (after.timed_fields(), before.timed_fields());
        for (field, _) in timed_before.iter().filter(|known| !timed.contains(known)) {
            db::segments::drop_moments(transaction, caller.project, &field.stored_as().unwrap_or_default()).await?;
        }
        for &(field, kind) in &timed {
            let is_purged = purged.as_ref().is_some_and(|key| *field == CustomerField::Metadata(key.clone()));
            if is_purged || !timed_before.contains(&(field, kind)) {
                db::segments::store_moments(transaction, caller.project, field, kind).await?;
            }
        }
        let now = core.clock.now();
        for segment in &after.segments {
            let (id, filter) = (&segment.id, &segment.filter);
            let is_known = before.segments.iter().any(|known| known.id == *id && known.filter == *filter);
            let is_purged = purged.as_ref().is_some_and(|key| filter.reads_metadata(key));
            if is_known && !is_purged {
                continue;
            }
            db::segments::settle(transaction, caller.project, id, filter, None, None, now).await?;
            let evaluated_at = filter.depends_on_time().then_some(now);
            db::segments::evaluated(transaction, caller.project, id, evaluated_at).await?;
        }
        self.alone.commit().await
    }
}
