//! The rules for requests that only read.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db;
use crate::domain::project::ProjectId;
use crate::domain::rules::Rules;
use crate::service::{Core, Error};

/// Returns the current rules of a project and the time at which filters are evaluated, without a lock: for requests that
/// only read.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn current(
    core: &Core,
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<(Arc<Rules>, DateTime<Utc>), Error> {
    // The rules may change after the version was read, and are then cached under an older version. That is harmless:
    // they are only loaded once more.
    let state = db::rules::state(connection, project).await?;
    let cached = core.rules_cache.project(project).await;
    let rules = cached.rules_of_version(&core.metrics.caches.rules, connection, project, state.rules_version).await?;
    Ok((rules, core.project_time(&state).of_evaluation()))
}

/// Returns the time of the clock of a project.
///
/// # Errors
/// Returns an error when the database query fails, also when the project was deleted.
pub async fn clock_time(
    core: &Core,
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<DateTime<Utc>, sqlx::Error> {
    let state = db::rules::state(connection, project).await?;
    Ok(core.project_time(&state).clock)
}
