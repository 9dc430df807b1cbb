//! The public identifier of a project and its internal number.

use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::project::{OrganisationId, ProjectId};
use crate::service::{Core, Error, Resource};

/// Returns the internal number of a project of the organisation.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier, or for a project of another organisation.
pub async fn resolve(core: &Core, organisation: OrganisationId, identifier: &Identifier) -> Result<ProjectId, Error> {
    let not_found = || Error::not_found(Resource::Project, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::projects::find_id(&mut connection, organisation, identifier.as_str()).await?;
    connection.release();
    found.ok_or_else(not_found)
}
