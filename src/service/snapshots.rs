//! Snapshots of a project: copies of all its rows inside the database, from which it is restored.

use super::retry::retry;
use super::{Caller, Core, Error, Resource, replacement};
use crate::db;
use crate::db::project_copies::TABLES_OF_FAULTS;
use crate::domain::limits::SNAPSHOTS_PER_PROJECT;
use crate::domain::snapshot::Snapshot;

/// Stores the state of the project of the caller under a name. It replaces the snapshot with that name, if there is one.
/// Jobs that wait and deliveries that are due are not a part of it.
///
/// # Errors
/// Returns [`Error::Invalid`] when the project has too many snapshots.
pub async fn create(core: &Core, caller: &Caller, name: &str) -> Result<Snapshot, Error> {
    let project = caller.project;
    retry(async || {
        let mut exclusive = replacement::begin_locked(core, caller).await?;
        let now = exclusive.time.clock;
        let connection = exclusive.connection();
        if db::snapshots::count_others(connection, project, name).await? >= SNAPSHOTS_PER_PROJECT {
            let details = format!("A project must NOT have more than {SNAPSHOTS_PER_PROJECT} snapshots");
            return Err(Error::Invalid { details });
        }
        db::snapshots::mark_deleted(connection, project, name, core.clock.now()).await?;
        let public_id = core.ids.random("snap_");
        let snapshot = db::snapshots::insert(connection, project, name, &public_id, now).await?;
        db::project_deletions::skip_foreign_key_checks(connection).await?;
        db::project_copies::copy_rows(connection, project, snapshot).await?;
        let counts = db::project_counts::count(connection, snapshot).await?;
        let created = db::snapshots::set_counts(connection, snapshot, &counts).await?;
        exclusive.commit().await?;
        Ok(created)
    })
    .await
}

/// Replaces everything that the project of the caller has, except its keys and its snapshots, by what a snapshot has, and
/// returns the snapshot. Jobs that wait and deliveries that are due are cancelled.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown name.
pub async fn restore(core: &Core, caller: &Caller, name: &str) -> Result<Snapshot, Error> {
    let project = caller.project;
    let restored = retry(async || {
        let mut exclusive = replacement::begin(core, caller).await?;
        let connection = exclusive.connection();
        let Some((snapshot, restored)) = db::snapshots::lock(connection, project, name).await? else {
            return Err(Error::not_found(Resource::Snapshot, name));
        };
        db::project_deletions::skip_foreign_key_checks(connection).await?;
        db::project_copies::delete_rows(connection, project, TABLES_OF_FAULTS).await?;
        db::project_copies::copy_rows(connection, snapshot, project).await?;
        db::snapshots::restore_settings(connection, project, snapshot).await?;
        exclusive.commit().await?;
        Ok(restored)
    })
    .await?;
    // The settings, the clock and the seed are restored too, so the next request must read them again.
    core.credentials.invalidate();
    core.delivery_notifier.cancel_project(project);
    Ok(restored)
}

/// Returns the snapshots of the project of the caller, newest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(core: &Core, caller: &Caller) -> Result<Vec<Snapshot>, Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let snapshots = db::snapshots::list(&mut connection, caller.project).await?;
    connection.release();
    Ok(snapshots)
}

/// Returns the snapshot with that name.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown name.
pub async fn get(core: &Core, caller: &Caller, name: &str) -> Result<Snapshot, Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let found = db::snapshots::find(&mut connection, caller.project, name).await?;
    connection.release();
    found.ok_or_else(|| Error::not_found(Resource::Snapshot, name))
}

/// Deletes the snapshot with that name. The background workers delete its rows.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown name.
pub async fn delete(core: &Core, caller: &Caller, name: &str) -> Result<(), Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let deleted = db::snapshots::mark_deleted(&mut connection, caller.project, name, core.clock.now()).await?;
    connection.release();
    if deleted { Ok(()) } else { Err(Error::not_found(Resource::Snapshot, name)) }
}
