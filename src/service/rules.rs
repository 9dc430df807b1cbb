//! The rules of projects, remembered between requests.

use std::sync::Arc;

use moka::future::Cache;
use sqlx::PgConnection;

use super::{Core, Error};
use crate::db;
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
pub(super) async fn read(connection: &mut PgConnection, project: ProjectId, version: i64) -> Result<Rules, Error> {
    let mut rules = Rules { version, ..Rules::default() };
    for segment in db::segments::filtered(connection, project).await? {
        let json = segment.filter.as_ref().map(crate::domain::json::JsonText::value).unwrap_or_default();
        // It was read when it was created, and can be read again.
        let Ok(filter) = rules.customer_filter(&json) else { continue };
        let (id, name, kind, created_at) = (segment.id, segment.name, segment.kind, segment.created_at);
        rules.segments.push(FilteredSegment { id, name, kind, filter, created_at });
    }
    Ok(rules)
}
