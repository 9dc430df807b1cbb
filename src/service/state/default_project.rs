//! The project into which the start of an emulator loads a document.

use crate::db;
use crate::domain::credential::{Family, Grant};
use crate::service::{Caller, Core, Error};

/// Returns a caller for the default project of an emulator with that server key; `None` when it was deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn default_project(core: &Core, app_id: &str) -> Result<Option<Caller>, Error> {
    let mut connection = core.pool.acquire().await?;
    let found = db::credentials::find(&mut connection, Family::Server, app_id, app_id).await?;
    connection.release();
    Ok(match found.map(|found| found.grant) {
        Some(Grant::Project(project)) => Some(Caller::system(project)),
        _ => None,
    })
}
