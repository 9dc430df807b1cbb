//! Faults: creating and deleting them, and finding the one that hits a request.

pub mod cache;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;

use super::id_source::{id_source_of, store_id_counts};
use super::retry::retry;
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::fault::{Fault, FaultRule, FaultTarget};
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::project::ProjectId;

/// A fault that hits a request.
#[derive(Clone, Debug)]
pub struct Hit {
    pub id: Arc<str>,
    pub rule: Arc<FaultRule>,
    pub delay: Duration,
}

/// Creates a fault. It applies to the requests that arrive after its creation.
///
/// # Errors
/// Returns [`Error::Invalid`] for a rule that is not valid, and when the project has too many faults.
pub async fn create(core: &Core, caller: &Caller, mut rule: FaultRule) -> Result<Fault, Error> {
    rule.check(&core.fault_operations).map_err(|details| Error::Invalid { details })?;
    if rule.is_decided_by_seed() && rule.seed.is_none() {
        // The answer shows it, so that the same decisions can be had again.
        rule.seed = Some(rand::rng().random_range(0..1_000_000));
    }
    let created = retry(async || {
        let mut transaction = core.pool.begin_for(caller.project).await?;
        // The counts of identifiers are locked before the row of the project, as a job does.
        let mut ids = id_source_of(core, &mut transaction, caller).await?;
        if !db::faults::lock(&mut transaction, caller.project).await? {
            return Err(Error::AccessRevoked);
        }
        if db::faults::list(&mut transaction, caller.project).await?.len() >= limits::FAULTS_PER_PROJECT {
            let details = format!("A project must NOT have more than {} faults", limits::FAULTS_PER_PROJECT);
            return Err(Error::Invalid { details });
        }
        let fault = Fault { id: ids.random("fault_"), rule: rule.clone(), matches: 0, hits: 0 };
        db::faults::insert(&mut transaction, caller.project, &fault).await?;
        db::faults::renew_version(&mut transaction, caller.project).await?;
        store_id_counts(&mut transaction, caller.project, &ids).await?;
        transaction.commit().await?;
        Ok(fault)
    })
    .await?;
    core.credentials.invalidate();
    Ok(created)
}

/// Returns the faults of the project in the order of their creation.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(core: &Core, caller: &Caller) -> Result<Vec<Fault>, Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let faults = db::faults::list(&mut connection, caller.project).await?;
    connection.release();
    Ok(faults)
}

/// Returns the fault with that id.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn get(core: &Core, caller: &Caller, id: &Identifier) -> Result<Fault, Error> {
    let not_found = || Error::not_found(Resource::Fault, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let found = db::faults::find(&mut connection, caller.project, id.as_str()).await?;
    connection.release();
    found.ok_or_else(not_found)
}

/// Deletes the fault with that id.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    if id.can_exist() && delete_matching(core, caller, Some(id.as_str())).await? > 0 {
        return Ok(());
    }
    Err(Error::not_found(Resource::Fault, id.as_str()))
}

/// Deletes all faults of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_all(core: &Core, caller: &Caller) -> Result<(), Error> {
    delete_matching(core, caller, None).await.map(drop)
}

async fn delete_matching(core: &Core, caller: &Caller, id: Option<&str>) -> Result<u64, Error> {
    let deleted = retry(async || {
        let mut transaction = core.pool.begin_for(caller.project).await?;
        if !db::faults::lock(&mut transaction, caller.project).await? {
            return Err(Error::AccessRevoked);
        }
        let deleted = db::faults::delete(&mut transaction, caller.project, id).await?;
        db::faults::renew_version(&mut transaction, caller.project).await?;
        transaction.commit().await?;
        Ok(deleted)
    })
    .await?;
    core.credentials.invalidate();
    Ok(deleted)
}

/// Returns the fault that hits a request of a project whose faults have that version: the first in the order of creation that matches,
/// is not used up, and whose decision is to hit. The matches of the faults up to it are counted, those of later ones are not.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_hit(
    core: &Core,
    project: ProjectId,
    version: i64,
    target: FaultTarget<'_>,
) -> Result<Option<Hit>, Error> {
    let load = async {
        let mut connection = core.pool.acquire_for(project).await?;
        let faults = db::faults::list(&mut connection, project).await?;
        connection.release();
        Ok::<_, Error>(faults)
    };
    let faults = core.faults.get(project, version, load).await?;
    for fault in faults.iter() {
        if !fault.rule.matches(target) || fault.is_used_up.load(Ordering::Relaxed) {
            continue;
        }
        let mut connection = core.pool.acquire_for(project).await?;
        let counted = db::faults::count_match(&mut connection, project, &fault.id, &fault.rule).await?;
        connection.release();
        if counted.is_none_or(|counted| counted.is_used_up) {
            fault.is_used_up.store(true, Ordering::Relaxed);
        }
        if let Some(counted) = counted.filter(|counted| counted.is_hit) {
            let (id, rule) = (Arc::clone(&fault.id), Arc::clone(&fault.rule));
            return Ok(Some(Hit { id, delay: rule.delay_of_match(counted.number), rule }));
        }
    }
    Ok(None)
}
