//! Faults: creating and deleting them, and finding the one that hits a request or an attempt to deliver.

pub mod cache;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;

use self::cache::{CachedFault, CachedFaults};
use super::id_source::{id_source_of, store_id_counts};
use super::retry::retry;
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::fault::{DeliveryFault, Fault, FaultRule, HitSchedule, RequestFault, RequestTarget};
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::project::ProjectId;
use crate::domain::webhook::DueDelivery;

/// A fault that hits a request or an attempt to deliver.
#[derive(Clone, Debug)]
pub struct Hit<R> {
    pub id: Arc<str>,
    pub rule: Arc<R>,
    pub delay: Duration,
}

/// Creates a fault. It applies to the requests that arrive, and the attempts to deliver that start, after its creation.
///
/// # Errors
/// Returns [`Error::Invalid`] for a rule that is not valid, and when the project has too many faults.
pub async fn create(core: &Core, caller: &Caller, mut rule: FaultRule) -> Result<Fault, Error> {
    rule.check(&core.fault_operations).map_err(|details| Error::Invalid { details })?;
    let schedule = rule.schedule_mut();
    if schedule.is_decided_by_seed() && schedule.seed.is_none() {
        // The answer shows it, so that the same decisions can be had again.
        schedule.seed = Some(rand::rng().random_range(0..1_000_000));
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
pub async fn find_request_hit(
    core: &Core,
    project: ProjectId,
    version: i64,
    target: RequestTarget<'_>,
) -> Result<Option<Hit<RequestFault>>, Error> {
    let faults = load(core, project, version).await?;
    first_hit(core, project, &faults.of_requests, |rule| rule.matches(target).then_some(&rule.schedule)).await
}

/// Returns the fault that hits an attempt to deliver, as [`find_request_hit`] does for a request. It asks the database nothing when the
/// project has no fault of deliveries.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_delivery_hit(core: &Core, delivery: &DueDelivery) -> Result<Option<Hit<DeliveryFault>>, Error> {
    let Some(version) = delivery.faults_version else { return Ok(None) };
    let (project, webhook_id, event) = (delivery.address.project, &delivery.address.webhook_id, &delivery.entry.kind);
    let faults = load(core, project, version).await?;
    first_hit(core, project, &faults.of_deliveries, |rule| rule.matches(webhook_id, event).then_some(&rule.schedule))
        .await
}

async fn load(core: &Core, project: ProjectId, version: i64) -> Result<Arc<CachedFaults>, Error> {
    let load = async {
        let mut connection = core.pool.acquire_for(project).await?;
        let faults = db::faults::list(&mut connection, project).await?;
        connection.release();
        Ok::<_, Error>(faults)
    };
    core.faults.get(project, version, &core.metrics.caches.faults, load).await
}

/// Counts the matches of the faults until one of them hits. `matched` returns the schedule of a fault that matches.
async fn first_hit<R>(
    core: &Core,
    project: ProjectId,
    faults: &[CachedFault<R>],
    matched: impl Fn(&R) -> Option<&HitSchedule>,
) -> Result<Option<Hit<R>>, Error> {
    for fault in faults {
        let Some(schedule) = matched(&fault.rule).filter(|_| !fault.is_used_up.load(Ordering::Relaxed)) else {
            continue;
        };
        let mut connection = core.pool.acquire_for(project).await?;
        let counted = db::faults::count_match(&mut connection, project, &fault.id, schedule).await?;
        connection.release();
        if counted.is_none_or(|counted| counted.is_used_up) {
            fault.is_used_up.store(true, Ordering::Relaxed);
        }
        if let Some(counted) = counted.filter(|counted| counted.is_hit) {
            let (id, rule) = (Arc::clone(&fault.id), Arc::clone(&fault.rule));
            return Ok(Some(Hit { id, delay: schedule.delay_of_match(counted.number), rule }));
        }
    }
    Ok(None)
}
