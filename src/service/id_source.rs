//! The identifiers of a transaction: random, or made from the seed of its project.

use sqlx::PgConnection;

use super::{Caller, Core, Error};
use crate::db;
use crate::domain::project::ProjectId;
use crate::ids::IdSource;

/// Returns the source of the identifiers of a transaction, whose project has that seed. With a seed, the transaction must call
/// [`store_id_counts`] before it commits. Until it ends, other transactions of the project wait for its counts.
pub(super) async fn id_source(
    core: &Core,
    connection: &mut PgConnection,
    project: ProjectId,
    seed: Option<String>,
) -> Result<IdSource, Error> {
    let Some(seed) = seed else { return Ok(IdSource::random_from(&core.ids)) };
    let counts = db::seeded_identifiers::lock_counts(connection, project, &seed).await?;
    Ok(IdSource::seeded_from(&core.ids, seed, counts))
}

/// Returns the same for a transaction that has not read the state of its project.
pub(super) async fn id_source_of(
    core: &Core,
    connection: &mut PgConnection,
    caller: &Caller,
) -> Result<IdSource, Error> {
    if !caller.control.is_seeded {
        return Ok(IdSource::random_from(&core.ids));
    }
    let seed = db::rules::state(connection, caller.project).await?.identifier_seed;
    id_source(core, connection, caller.project, seed).await
}

/// Stores how many identifiers the transaction has made from the seed.
pub(super) async fn store_id_counts(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &IdSource,
) -> Result<(), Error> {
    if let Some((seed, counts)) = ids.changed_counts() {
        db::seeded_identifiers::store_counts(connection, project, seed, counts).await?;
    }
    Ok(())
}
