//! How jobs are brought forward.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::sleep;

use super::turns::Turn;
use super::{bulk, export, import_csv, orders, purge, tell_failure};
use crate::db;
use crate::domain::credential::Channel;
use crate::domain::job::{Failure, Job, JobAddress, JobType, Slice, SliceOutcome};
use crate::domain::limits;
use crate::service::{Caller, Core, Error, Work, retry};

/// How often a job without slices is tried.
const ATTEMPTS: i32 = 3;
/// How often in a row it is waited for a trouble to pass. One that stays so long does not pass by itself: a record that takes more
/// than a statement may, or that breaks its connection.
const PATIENCE: u32 = 20;
/// How often it is tried to take hold of a job that failed, and how long it is waited in between.
const SET_BACK_ATTEMPTS: usize = 20;
const SET_BACK_PAUSE: Duration = Duration::from_millis(5);

/// What a worker has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worked {
    /// A slice; there may be more.
    Slice,
    /// There was nothing to do.
    Nothing,
    /// Somebody was in the way: to be tried again after a while.
    NotNow,
}

/// Brings some job forward by one slice. Every worker calls it over and over.
///
/// # Errors
/// When the database fails in a way that is not the job's fault.
pub async fn work_on(core: &Arc<Core>) -> Result<Worked, Error> {
    let (now, before) = core.turns.now_and_before();
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::peek(&mut connection, &core.turns.kinds(), &now, &before).await?;
    connection.release();
    let Some(address) = found else { return Ok(Worked::Nothing) };
    let Some(turn) = core.turns.begin(address.project, address.kind) else { return Ok(Worked::Slice) };
    // A task of its own, so that a panic ends the slice and not the worker.
    let slice = {
        let (core, address) = (Arc::clone(core), address.clone());
        tokio::spawn(async move { retry(async || bring_forward(&core, &address).await).await })
    };
    let (failure, may_pass) = match slice.await {
        Ok(Ok(())) => {
            turn.went_well();
            return Ok(Worked::Slice);
        }
        // It goes with its project, and until then nobody has anything to do there.
        Ok(Err(error)) if error.is_project_gone() => return Ok(Worked::NotNow),
        // Only its own time limit ends a job that is done in one piece.
        Ok(Err(error)) => {
            (error.to_string(), error.is_passing() && !(address.kind.is_one_piece() && error.is_time_limit()))
        }
        Err(panic) => (panic.to_string(), false),
    };
    let troubles = turn.went_wrong();
    let is_passing = may_pass && troubles < PATIENCE;
    // What has just come between is over at the next attempt, mostly.
    let is_first = is_passing && troubles == 1;
    let (job, kind) = (&address.id, address.kind.as_str());
    if is_passing {
        tracing::warn!(job, kind, failure, "a slice of a job has to wait");
    } else {
        tracing::error!(job, kind, failure, "a slice of a job failed");
    }
    // A transaction that panicked may still be on its way back, with the lock of the job.
    for _ in 0..SET_BACK_ATTEMPTS {
        if is_first || set_back(core, &address, &turn, is_passing).await? {
            break;
        }
        sleep(SET_BACK_PAUSE).await;
    }
    Ok(if is_passing { Worked::NotNow } else { Worked::Slice })
}

/// One slice of the job, if it is still to be had.
async fn bring_forward(core: &Core, address: &JobAddress) -> Result<(), Error> {
    let caller = Caller {
        project: address.project,
        app_id: address.app_id.clone(),
        request_id: address.request_id.clone(),
        channel: Channel::Api,
    };
    match address.kind {
        JobType::CustomersBulkUpdate
        | JobType::CustomersMetadataUpdate
        | JobType::CustomersImportCsv
        | JobType::OrdersImport => {
            let mut work = Work::begin(core, &caller).await?;
            work.send_nothing();
            match apply_slice(&mut work, address).await {
                Ok(()) => work.commit().await,
                Err(error) => {
                    // Whoever tries next finds the job free.
                    work.roll_back().await;
                    Err(error)
                }
            }
        }
        JobType::CustomersMetadataKeyPurge | JobType::OrdersMetadataKeyPurge => {
            purge::run(core, &caller, address).await
        }
        JobType::Export => export::run(core, address).await,
    }
}

async fn apply_slice(work: &mut Work<'_>, address: &JobAddress) -> Result<(), Error> {
    let (core, project) = (work.core, address.project);
    let Some(job) = db::jobs::claim(work.connection(), address).await? else { return Ok(()) };
    let expires_at = work.now + TimeDelta::days(limits::REPORT_DAYS);
    let Some(slice) = db::jobs::first_slice(work.connection(), project, &job.id).await? else {
        let (done, now) = (job.done_count, core.clock.now());
        return Ok(db::jobs::finish(work.connection(), project, &job.id, done, now, Some(expires_at)).await?);
    };
    core.turns.tries(project, &slice);
    let mut outcome = match address.kind {
        JobType::CustomersImportCsv => import_csv::apply(work, &job, &slice).await?,
        JobType::OrdersImport => orders::apply(work, &job, &slice).await?,
        _ => bulk::apply(work, &job, &slice).await?,
    };
    limit_failures(&mut outcome, &job);
    let now = core.clock.now();
    Ok(db::jobs::finish_slice(work.connection(), project, &job.id, &slice, &outcome, now, expires_at).await?)
}

/// What is listed has a limit, and what is kept with it.
fn limit_failures(outcome: &mut SliceOutcome, job: &Job) {
    let room = usize::try_from(limits::LISTED_FAILURES - job.failed_count).unwrap_or_default();
    outcome.failures.truncate(room);
}

/// After a failure: the records of the slice are tried one by one, and one that fails alone has failed, unless the trouble is
/// one that passes. A job without slices has failed after some attempts. `false` where somebody else has the job.
async fn set_back(core: &Core, address: &JobAddress, turn: &Turn<'_>, is_passing: bool) -> Result<bool, Error> {
    let (project, now) = (address.project, core.clock.now());
    let expires_at = now + TimeDelta::days(limits::REPORT_DAYS);
    let mut transaction = core.pool.begin().await?;
    let Some(job) = db::jobs::claim(&mut transaction, address).await? else { return Ok(false) };
    match db::jobs::first_slice(&mut transaction, project, &job.id).await? {
        Some(slice) if !turn.was_at(&slice) => {}
        Some(slice) if slice.records.len() > 1 => {
            db::jobs::split_slice(&mut transaction, project, &job.id, slice.number).await?;
        }
        _ if is_passing => {}
        Some(slice) => {
            let mut outcome = failed_alone(job.kind, &slice);
            limit_failures(&mut outcome, &job);
            db::jobs::finish_slice(&mut transaction, project, &job.id, &slice, &outcome, now, expires_at).await?;
        }
        None => db::jobs::fail_attempt(&mut transaction, project, &job.id, ATTEMPTS, now, expires_at).await?,
    }
    transaction.commit().await?;
    Ok(true)
}

/// What there is to tell of a slice of one record that the database refuses.
fn failed_alone(kind: JobType, slice: &Slice) -> SliceOutcome {
    let mut outcome = SliceOutcome::default();
    for (number, record) in (slice.number..).zip(&slice.records) {
        if let Some(record) = record {
            tell_failure(&mut outcome, kind, number, record, &Failure::internal());
        }
    }
    outcome
}
