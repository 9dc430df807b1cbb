//! Deletion of a project with all its rows. The first step, a short transaction, marks the project as deleted and
//! revokes its keys. The second step removes its rows in batches, one transaction each, and the project row last, so
//! that an interrupted removal is found and continued. `migrations/0001_schema.sql` explains at `projects` why this is
//! safe.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::resolve::resolve;
use crate::db;
use crate::db::project_deletions::{REFERENCED_TABLE, TABLES};
use crate::domain::identifier::Identifier;
use crate::domain::project::{OrganisationId, ProjectId};
use crate::service::{Core, Error, Resource};

/// How many rows the first transaction removes. The number is small, because each row may hold a megabyte.
const FIRST_BATCH_ROWS: i64 = 250;
/// How many rows one transaction removes at most.
const MAX_BATCH_ROWS: i64 = 16_000;
/// The batch grows when its removal took less than this.
const MIN_BATCH_TIME: Duration = Duration::from_millis(100);
/// The batch shrinks when its removal took more than this.
const MAX_BATCH_TIME: Duration = Duration::from_secs(1);
/// How long a request removes the rows of deleted snapshots at most.
const SNAPSHOT_CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before the removal is tried again after another writer of the project blocked it.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Deletes a project of the organisation. It can no longer be found, and its keys no longer grant access. Its rows are removed for at most `cleanup_timeout`; the background workers remove the rest.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier or a project of another organisation, and [`Error::Forbidden`]
/// for the default project.
pub async fn delete(
    core: &Core,
    organisation: OrganisationId,
    identifier: &Identifier,
    cleanup_timeout: Duration,
) -> Result<(), Error> {
    let not_found = || Error::not_found(Resource::Project, identifier.as_str());
    let id = resolve(core, organisation, identifier).await?;
    let mut transaction = core.pool.begin().await?;
    let project = db::projects::lock(&mut transaction, id).await?.ok_or_else(not_found)?;
    if project.is_sandbox {
        return Err(Error::Forbidden { details: "The sandbox project cannot be deleted" });
    }
    if !db::project_deletions::mark_deleted(&mut transaction, id, core.clock.now()).await? {
        return Err(not_found());
    }
    transaction.commit().await?;
    core.delivery_notifier.cancel_project(id);
    core.request_log.clear(id);
    // Invalidate the cache before the rows are removed, so that the keys are rejected during the removal.
    core.credentials.invalidate();
    // The project is deleted now. A timeout only leaves rows to the background workers.
    let _ = timeout(cleanup_timeout, async {
        while !try_remove(core, id).await {
            sleep(RETRY_INTERVAL).await;
        }
    })
    .await;
    Ok(())
}

/// Removes the rows of all deleted projects that no other writer blocks. Returns whether all of them are gone.
///
/// # Errors
/// Returns an error when the list of deleted projects cannot be queried.
pub async fn purge_deleted(core: &Core) -> Result<bool, Error> {
    let mut connection = core.pool.acquire().await?;
    let deleted = db::project_deletions::list_marked(&mut connection).await?;
    connection.release();
    let mut are_gone = true;
    for project in deleted {
        // A project that is blocked does not delay the others: its removal is tried again later.
        are_gone &= try_remove(core, project).await;
    }
    Ok(are_gone)
}

/// Removes the rows of the snapshots of a project that are deleted. Those that another writer blocks for longer than
/// `SNAPSHOT_CLEANUP_TIMEOUT` are left to the background workers.
///
/// # Errors
/// Returns an error when the list of deleted snapshots cannot be queried.
pub async fn purge_deleted_snapshots(core: &Core, project: ProjectId) -> Result<(), Error> {
    let mut connection = core.pool.acquire_for(project).await?;
    let deleted = db::snapshots::list_marked(&mut connection, project).await?;
    connection.release();
    let _ = timeout(SNAPSHOT_CLEANUP_TIMEOUT, async {
        for snapshot in deleted {
            while !try_remove(core, snapshot).await {
                sleep(RETRY_INTERVAL).await;
            }
        }
    })
    .await;
    Ok(())
}

/// Calls [`remove`] and logs an error instead of returning it, because the removal is tried again.
async fn try_remove(core: &Core, project: ProjectId) -> bool {
    remove(core, project).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "failed to remove the rows of a deleted project, will retry");
        false
    })
}

/// Removes all rows of a deleted project in batches, and the project itself last. Returns `false` where another writer
/// blocks the removal.
async fn remove(core: &Core, project: ProjectId) -> Result<bool, Error> {
    for table in TABLES {
        let mut batch_size = BatchSize::default();
        loop {
            let begun = Instant::now();
            let Some(mut transaction) = db::project_deletions::try_begin_exclusive(&core.pool, project).await? else {
                return Ok(false);
            };
            if *table == REFERENCED_TABLE {
                db::project_deletions::skip_foreign_key_checks(&mut transaction).await?;
            }
            let removed =
                match db::project_deletions::delete_rows(&mut transaction, project, table, batch_size.rows).await {
                    Ok(removed) => removed,
                    // The rows are very large, so remove fewer of them at once.
                    Err(error) if db::error::is_statement_timeout(&error) && batch_size.rows > 1 => {
                        batch_size.rows = 1;
                        transaction.roll_back().await;
                        continue;
                    }
                    Err(error) => {
                        transaction.roll_back().await;
                        return Err(error.into());
                    }
                };
            transaction.commit().await?;
            if removed == 0 {
                break;
            }
            batch_size.adjust(begun.elapsed());
        }
    }
    finish(core, project).await
}

/// Removes the project row, unless rows were added to its tables during the removal. Returns whether the project is
/// gone.
async fn finish(core: &Core, project: ProjectId) -> Result<bool, Error> {
    let Some(mut transaction) = db::project_deletions::try_begin_exclusive(&core.pool, project).await? else {
        return Ok(false);
    };
    if !db::project_deletions::lock(&mut transaction, project).await? {
        // Another process has already removed the project.
        transaction.roll_back().await;
        return Ok(true);
    }
    let mut removed = 0;
    for table in TABLES {
        removed += db::project_deletions::delete_rows(&mut transaction, project, table, FIRST_BATCH_ROWS).await?;
    }
    // If some rows were left, there may be more than this batch removed.
    if removed == 0 {
        db::project_deletions::delete_project(&mut transaction, project).await?;
    }
    transaction.commit().await?;
    core.rules_cache.evict(project).await;
    Ok(removed == 0)
}

/// The number of rows to remove in one transaction: larger for small rows, smaller for large rows.
struct BatchSize {
    rows: i64,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { rows: FIRST_BATCH_ROWS }
    }
}

impl BatchSize {
    /// Adjusts the number to the duration of the last batch.
    fn adjust(&mut self, elapsed: Duration) {
        if elapsed < MIN_BATCH_TIME {
            self.rows = (self.rows * 2).min(MAX_BATCH_ROWS);
        } else if elapsed > MAX_BATCH_TIME {
            self.rows = (self.rows / 4).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_grows_for_fast_batches_and_shrinks_for_slow_ones() {
        let mut batch_size = BatchSize::default();
        let mut adjust = |millis| {
            batch_size.adjust(Duration::from_millis(millis));
            batch_size.rows
        };
        assert_eq!([5, 5, 500, 5, 2_000].map(&mut adjust), [500, 1_000, 1_000, 2_000, 500]);
        assert_eq!([0; 9].map(&mut adjust)[8], MAX_BATCH_ROWS);
        assert_eq!([5_000; 9].map(&mut adjust)[8], 1);
    }
}
