//! The seed from which the identifiers of a project are made, and the ids of its requests.

use sqlx::PgConnection;

use super::id_source::{id_source, store_id_counts};
use super::retry::retry;
use super::rules::ExclusiveTransaction;
use super::{Caller, Core, Error};
use crate::db;
use crate::domain::identifier_kind::REQUEST;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_control::ProjectControl;
use crate::ids::{IdSource, seeded_time_ordered};

/// Returns the seed; `None` while identifiers are random.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn seed(core: &Core, caller: &Caller) -> Result<Option<String>, Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let state = db::rules::state(&mut connection, caller.project).await?;
    connection.release();
    Ok(state.identifier_seed)
}

/// Sets the seed; with `None`, identifiers are random again. In a project without data, the identifiers of a seed begin with the first one.
/// In a project with data, a seed that the project had before continues after its last identifier, so that no identifier repeats.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn set_seed(core: &Core, caller: &Caller, seed: Option<&str>) -> Result<(), Error> {
    retry(async || {
        let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
        let (connection, project) = (exclusive.connection(), caller.project);
        let has_identifiers = db::seeded_identifiers::has_identifiers(connection, project).await?;
        if !has_identifiers {
            db::seeded_identifiers::delete_counts(connection, project).await?;
        }
        db::seeded_identifiers::set_seed(connection, project, seed).await?;
        if has_identifiers {
            let mut ids = id_source(core, connection, project, seed.map(str::to_owned)).await?;
            skip_used(connection, project, &mut ids).await?;
            store_id_counts(connection, project, &ids).await?;
        }
        // The new version makes every writer read the seed.
        db::rules::increment_version(connection, project).await?;
        exclusive.commit().await
    })
    .await?;
    core.credentials.invalidate();
    Ok(())
}

/// How many unused identifiers of a seed may lie between two used ones that are both recognized.
const MAX_UNUSED: i64 = 1_000;

/// Leaves out the identifiers of the seed that objects of the project have already: those of a state document that was saved from a project
/// with the same seed.
pub(super) async fn skip_used(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &mut IdSource,
) -> Result<(), Error> {
    if !ids.is_seeded() {
        return Ok(());
    }
    for prefix in ["cust_", "seg_", "ms_", "wh_", "distr_"] {
        loop {
            let upcoming = ids.upcoming(prefix, MAX_UNUSED);
            let texts: Vec<String> = upcoming.iter().map(|(id, _)| id.clone()).collect();
            let used = db::seeded_identifiers::find_used(connection, project, &texts).await?;
            let Some((_, last)) = upcoming.iter().rfind(|(id, _)| used.contains(id)) else { break };
            ids.skip_to(prefix, *last);
        }
    }
    let used = db::seeded_identifiers::list_time_ordered(connection, project).await?;
    for prefix in ["ord_", "event_"] {
        let mut numbers: Vec<i64> = used.iter().filter_map(|id| ids.number_of(prefix, id)).collect();
        numbers.sort_unstable();
        for number in numbers {
            if number <= ids.made(prefix) + MAX_UNUSED {
                ids.skip_to(prefix, number);
            }
        }
    }
    Ok(())
}

/// Returns the id of a request of a project whose clock does not show real time or that has a seed; `None` for any other project, and where
/// the database cannot be reached, because the request then fails anyway.
pub async fn request_id(core: &Core, project: ProjectId, control: ProjectControl) -> Option<String> {
    let now = control.clock.at(core.clock.now());
    if control.is_seeded {
        let mut connection = core.pool.acquire_for(project).await.ok()?;
        let counted = db::seeded_identifiers::count_request(&mut connection, project).await.ok()?;
        connection.release();
        if let Some((seed, number)) = counted {
            return Some(seeded_time_ordered(&seed, REQUEST, number, now));
        }
    }
    (control.clock != ProjectClock::Real).then(|| core.ids.time_ordered(REQUEST, now))
}
