//! The rules of projects, remembered between requests.

use std::sync::Arc;

use moka::future::Cache;
use sqlx::PgConnection;

use super::{Caller, Core, Error};
use crate::db;
use crate::db::pool::Transaction;
use crate::domain::filter::{CustomerField, Filter};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::rules::{FilteredSegment, Rules};

/// Projects whose rules are remembered at once.
const REMEMBERED: u64 = 10_000;

/// The rules of projects as they were last read. They are never believed without a look at their version: a read asks for
/// it, and a write holds it still.
#[derive(Debug)]
pub struct RulesMemory(Cache<ProjectId, Arc<Rules>>);

impl Default for RulesMemory {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).build())
    }
}

impl RulesMemory {
    /// The rules as they were last read, or as nobody has made any; the caller sees to it that their version is right.
    pub(super) async fn remembered(&self, project: ProjectId) -> Arc<Rules> {
        self.0.get(&project).await.unwrap_or_default()
    }

    /// The rules of that version, which the connection's transaction holds still.
    pub(super) async fn of_version(
        &self,
        connection: &mut PgConnection,
        project: ProjectId,
        version: i64,
    ) -> Result<Arc<Rules>, Error> {
        let known = self.remembered(project).await;
        if known.version == version {
            return Ok(known);
        }
        let read = Arc::new(read(connection, project, version).await?);
        self.0.insert(project, Arc::clone(&read)).await;
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
    core.rules.of_version(connection, project, version).await
}

/// Reads the rules; `version` was read before them.
async fn read(connection: &mut PgConnection, project: ProjectId, version: i64) -> Result<Rules, Error> {
    let mut rules = Rules {
        version,
        metadata_schemas: db::metadata_schemas::all(connection, project).await?,
        event_schemas: db::event_schemas::all(connection, project).await?,
        segments: Vec::new(),
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

/// A transaction that changes the rules of a project, alone in it. At its end everyone is put in and out of the segments that
/// are new or read differently by the new rules.
#[derive(Debug)]
pub(super) struct Revision<'a> {
    core: &'a Core,
    caller: &'a Caller,
    transaction: Transaction,
    /// The rules as they are until now.
    pub before: Arc<Rules>,
    /// A key that was taken out of the metadata of all customers.
    purged: Option<String>,
}

impl<'a> Revision<'a> {
    /// Begins. Dropped before [`Revision::commit`], nothing was done.
    pub async fn begin(core: &'a Core, caller: &'a Caller) -> Result<Self, Error> {
        let (mut transaction, version) = db::rules::begin_alone(&core.pool, caller.project).await?;
        let before = core.rules.of_version(&mut transaction, caller.project, version).await?;
        Ok(Self { core, caller, transaction, before, purged: None })
    }

    /// The connection with the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Says that a key was taken out of the metadata of all customers.
    pub fn purged(&mut self, key: &str) {
        self.purged = Some(key.to_owned());
    }

    /// Settles the segments that the change concerns, and makes it all last. Nobody is told of it in the activity: no customer
    /// has changed.
    pub async fn commit(mut self) -> Result<(), Error> {
        let Self { core, caller, transaction, before, purged } = &mut self;
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
            db::segments::settle(transaction, caller.project, id, filter, None, false, now).await?;
            let evaluated_at = filter.depends_on_time().then_some(now);
            db::segments::evaluated(transaction, caller.project, id, evaluated_at).await?;
        }
        self.transaction.commit().await?;
        Ok(())
    }
}
