//! Deleting a project with every row of it: `migrations/0007_doors.sql` says in which steps.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::resolve;
use crate::db;
use crate::db::project_deletions::TABLES;
use crate::domain::identifier::Identifier;
use crate::domain::project::{OrganisationId, ProjectId};
use crate::service::{Core, Error, Resource};

/// Rows that are removed in one transaction: at first, when each may hold a megabyte, and at the most.
const FIRST_ROWS: i64 = 250;
const MOST_ROWS: i64 = 16_000;
/// How long a slice should take, at the least and at the most.
const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(1);
/// How long it is waited before whoever was in the way is looked for again.
const PAUSE: Duration = Duration::from_millis(20);

/// Deletes a project of the organisation: nothing finds it any more and its keys open nothing, of which `told` is told. Then its
/// rows are removed, for as long as `patience`, and what is left by the workers.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier, or that of another organisation's project; [`Error::Forbidden`] for the default
/// project.
pub async fn delete(
    core: &Core,
    organisation: OrganisationId,
    identifier: &Identifier,
    told: impl FnOnce(),
    patience: Duration,
) -> Result<(), Error> {
    let not_found = || Error::not_found(Resource::Project, identifier.as_str());
    let id = resolve(core, organisation, identifier).await?;
    let mut transaction = core.pool.begin().await?;
    let project = db::projects::lock(&mut transaction, id).await?.ok_or_else(not_found)?;
    if project.is_sandbox {
        return Err(Error::Forbidden { details: "The sandbox project cannot be deleted" });
    }
    if !db::project_deletions::mark(&mut transaction, id, core.clock.now()).await? {
        return Err(not_found());
    }
    transaction.commit().await?;
    core.outbox.withdraw_project(id);
    told();
    // It is deleted, whatever becomes of this.
    let _ = timeout(patience, async {
        while !removed(core, id).await {
            sleep(PAUSE).await;
        }
    })
    .await;
    Ok(())
}

/// Removes the rows of deleted projects, as far as nobody stands in the way.
///
/// # Errors
/// When the database cannot be asked for them.
pub async fn remove_left(core: &Core) -> Result<(), Error> {
    let mut connection = core.pool.acquire().await?;
    let left = db::project_deletions::left(&mut connection).await?;
    connection.release();
    for project in left {
        // One that has to wait does not keep the others waiting.
        removed(core, project).await;
    }
    Ok(())
}

/// [`remove`], of which what goes wrong is only told to the log: it is tried again.
async fn removed(core: &Core, project: ProjectId) -> bool {
    remove(core, project).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the rows of a deleted project stay for now");
        false
    })
}

/// Removes every row of a deleted project, slice by slice, and at last the project; `false` where somebody was in the way.
async fn remove(core: &Core, project: ProjectId) -> Result<bool, Error> {
    for table in TABLES {
        let mut pace = Pace::default();
        loop {
            let begun = Instant::now();
            let Some(mut transaction) = db::project_deletions::begin_alone(&core.pool, project).await? else {
                return Ok(false);
            };
            let removed = match db::project_deletions::remove(&mut transaction, project, table, pace.rows).await {
                Ok(removed) => removed,
                // Very large rows: fewer of them take less.
                Err(error) if db::error::is_time_limit(&error) && pace.rows > 1 => {
                    pace.rows = 1;
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
            pace.follow(begun.elapsed());
        }
    }
    finish(core, project).await
}

/// Removes the project, unless a row of it has come while its tables were gone through.
async fn finish(core: &Core, project: ProjectId) -> Result<bool, Error> {
    let Some(mut transaction) = db::project_deletions::begin_alone(&core.pool, project).await? else {
        return Ok(false);
    };
    if !db::project_deletions::lock(&mut transaction, project).await? {
        // Somebody else was faster.
        transaction.roll_back().await;
        return Ok(true);
    }
    let mut removed = 0;
    for table in TABLES {
        removed += db::project_deletions::remove(&mut transaction, project, table, FIRST_ROWS).await?;
    }
    // Where there were some there may be more.
    if removed == 0 {
        db::project_deletions::remove_project(&mut transaction, project).await?;
    }
    transaction.commit().await?;
    core.rules.forget(project).await;
    Ok(removed == 0)
}

/// How many rows are removed at once: more of small ones, fewer of large ones.
struct Pace {
    rows: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: FIRST_ROWS }
    }
}

impl Pace {
    /// Takes note of how long the last slice took.
    fn follow(&mut self, took: Duration) {
        if took < SHORT {
            self.rows = (self.rows * 2).min(MOST_ROWS);
        } else if took > LONG {
            self.rows = (self.rows / 4).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_rows_are_removed_in_growing_slices_and_large_ones_in_small_slices() {
        let mut pace = Pace::default();
        let mut follow = |millis| {
            pace.follow(Duration::from_millis(millis));
            pace.rows
        };
        assert_eq!([5, 5, 500, 5, 2_000].map(&mut follow), [500, 1_000, 1_000, 2_000, 500]);
        assert_eq!([0; 9].map(&mut follow)[8], MOST_ROWS);
        assert_eq!([5_000; 9].map(&mut follow)[8], 1);
    }
}
