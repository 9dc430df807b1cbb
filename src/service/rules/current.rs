//! The rules for requests that only read.

use std::sync::Arc;

use sqlx::PgConnection;

use crate::db;
use crate::domain::project::ProjectId;
use crate::domain::rules::Rules;
use crate::service::{Core, Error};

/// Returns the current rules of a project, without a lock: for requests that only read.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn current(core: &Core, connection: &mut PgConnection, project: ProjectId) -> Result<Arc<Rules>, Error> {
    // The rules may change after the version was read, and are then cached under an older version. That is harmless:
    // they are only loaded once more.
    let version = db::rules::version(connection, project).await?;
    core.rules_cache.project(project).await.rules_of_version(connection, project, version).await
}
