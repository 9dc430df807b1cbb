//! Notes which projects may have a job to run or a delivery to send, for the workers of a distributed database
//! ([`db::pending_work`](crate::db::pending_work)).

use std::time::Duration;

use moka::sync::Cache;

use super::Error;
use crate::db::pending_work;
use crate::db::pool::Pool;
use crate::domain::project::ProjectId;

pub use crate::db::pending_work::WorkKind;

/// How long a note is not repeated: a small part of the time for which it is valid.
const NOTE_INTERVAL: Duration = Duration::from_secs(20);
/// How many notes are known to be recent at most.
const MAX_KNOWN_NOTES: u64 = 100_000;

/// The notes of this process. On a database that is not distributed, nothing is noted.
#[derive(Debug)]
pub struct PendingWork {
    is_distributed: bool,
    recent: Cache<(ProjectId, WorkKind), ()>,
}

impl PendingWork {
    /// Returns the notes of a process on a database that is distributed or not.
    #[must_use]
    pub fn new(is_distributed: bool) -> Self {
        let recent = Cache::builder().max_capacity(MAX_KNOWN_NOTES).time_to_live(NOTE_INTERVAL).build();
        Self { is_distributed, recent }
    }

    /// Returns whether the database is distributed.
    #[must_use]
    pub fn is_distributed(&self) -> bool {
        self.is_distributed
    }

    /// Returns the value of the parameter `scope` for a statement of one project whose plan must not depend on the number of the project:
    /// the project on a distributed database, where the number decides which server executes the statement, and else `None`.
    pub(super) fn scope_of(&self, project: ProjectId) -> Option<ProjectId> {
        self.is_distributed.then_some(project)
    }

    /// Notes that a project is about to have work. It must return before the transaction that adds the work is committed.
    ///
    /// # Errors
    /// Returns an error when the database statement fails.
    pub(super) async fn note(&self, pool: &Pool, project: ProjectId, kind: WorkKind) -> Result<(), Error> {
        if !self.is_distributed || self.recent.contains_key(&(project, kind)) {
            return Ok(());
        }
        // The connection is not that of the project's transaction, which may hold one already.
        let mut connection = pool.acquire().await?;
        pending_work::note(&mut connection, project, kind).await?;
        connection.release();
        self.recent.insert((project, kind), ());
        Ok(())
    }
}
