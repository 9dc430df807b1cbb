//! Runs jobs slice by slice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::time::sleep;

use super::report::add_failure;
use super::scheduler::ActiveProject;
use super::{bulk, export, import_csv, import_orders, purge};
use crate::db;
use crate::db::error::{is_broken_connection, outage};
use crate::domain::credential::Channel;
use crate::domain::job::{Failure, Job, JobAddress, JobType, Slice, SliceOutcome};
use crate::domain::limits;
use crate::domain::project_control::ProjectControl;
use crate::service::retry::retry;
use crate::service::rules::ExclusiveTransaction;
use crate::service::write::{Recording, UnitOfWork};
use crate::service::{Caller, Core, Error};
use crate::trace::Kind;

/// How many times a job without slices is attempted.
const MAX_ATTEMPTS: i32 = 3;
/// After how many consecutive failures a transient error counts as permanent. An error that lasts so long has a cause
/// in the job: a record that exceeds the time limit of a statement, for example, or that breaks its connection.
const MAX_TRANSIENT_FAILURES: u32 = 20;
/// How many times the worker tries to lock a failed job.
const LOCK_ATTEMPTS: usize = 20;
/// The pause between these attempts.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The outcome of [`run_next_slice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// A slice was processed. There may be more.
    Progressed,
    /// No job is due.
    NoWork,
    /// A transient error stopped the slice. The worker should pause before it calls again.
    RetryLater,
}

/// Runs one slice of the next job. Every worker calls this in a loop.
///
/// # Errors
/// Returns an error when the database fails in a way that the job did not cause.
pub async fn run_next_slice(core: &Arc<Core>) -> Result<RunOutcome, Error> {
    let (active, recent) = core.job_scheduler.active_and_recent();
    let mut connection = core.pool.acquire().await?;
    let kinds = core.job_scheduler.startable_types();
    let found = if core.pending_work.is_distributed() {
        db::jobs::find_next_distributed(&mut connection, &kinds, &active, &recent).await?
    } else {
        db::jobs::find_next(&mut connection, &kinds, &active, &recent, None).await?
    };
    connection.release();
    let Some(address) = found else { return Ok(RunOutcome::NoWork) };
    let Some(active_project) = core.job_scheduler.start(address.project, address.kind) else {
        return Ok(RunOutcome::Progressed);
    };
    // Run the slice in a task of its own, so that a panic ends the slice and not the worker.
    let started = Instant::now();
    let mut span = core.tracer.work(address.kind.as_str(), Kind::Internal, address.trace.clone());
    span.set_id("voucherify.job_id", &address.id);
    let slice = {
        let (core, address) = (Arc::clone(core), address.clone());
        let work = span.enter(async move { retry(async || run_slice(&core, &address).await).await });
        tokio::spawn(work)
    };
    let (failure, may_be_transient) = match slice.await {
        Ok(Ok(is_finished)) => {
            core.metrics.work.slice_applied(address.kind.as_str(), started.elapsed());
            if is_finished {
                core.metrics.work.job_finished(address.kind.as_str(), false);
            }
            active_project.record_success();
            return Ok(RunOutcome::Progressed);
        }
        // The project was deleted. Its jobs are removed with it, and need no further handling.
        Ok(Err(error)) if error.is_project_deleted() => return Ok(RunOutcome::RetryLater),
        // What fails for the whole database is no failure of this job, however often it happens.
        Ok(Err(error)) if is_outage(core, &error).await => return Err(error),
        // A job that runs in a single step raises the time limit itself, so exceeding it is permanent.
        Ok(Err(error)) => (
            error.to_string(),
            error.is_transient() && !(address.kind.is_single_step() && error.is_statement_timeout()),
        ),
        Err(panic) => (panic.to_string(), false),
    };
    core.metrics.work.slice_failed(address.kind.as_str());
    span.fail(if may_be_transient { "transient" } else { "permanent" });
    drop(span);
    let failures = active_project.record_failure();
    let is_transient = may_be_transient && failures < MAX_TRANSIENT_FAILURES;
    // After the first transient failure leave the job unchanged: the next attempt usually succeeds.
    let is_first = is_transient && failures == 1;
    let (job, kind) = (&address.id, address.kind.as_str());
    if is_transient {
        tracing::warn!(job, kind, failure, "failed to run a slice of a job, will retry");
    } else {
        tracing::error!(job, kind, failure, "failed to run a slice of a job");
    }
    // After a panic the roll-back may still be under way and hold the lock of the job.
    for _ in 0..LOCK_ATTEMPTS {
        if is_first {
            break;
        }
        match handle_failure(core, &address, &active_project, is_transient).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) if error.is_project_deleted() => return Ok(RunOutcome::RetryLater),
            Err(error) => return Err(error),
        }
        sleep(LOCK_RETRY_INTERVAL).await;
    }
    Ok(if is_transient { RunOutcome::RetryLater } else { RunOutcome::Progressed })
}

/// Returns whether the database as a whole has failed, and not what the slice did.
async fn is_outage(core: &Core, error: &Error) -> bool {
    match error {
        Error::Database(error) if is_broken_connection(error) => !core.database_health.check(&core.pool).await,
        Error::Database(error) => outage(error).is_some(),
        _ => false,
    }
}

/// Returns the caller of a job: that of the request which it was accepted for. Its transactions read the clock and the seed themselves.
fn caller_of(address: &JobAddress) -> Caller {
    Caller {
        project: address.project,
        app_id: address.app_id.clone(),
        request_id: address.request_id.clone(),
        trace: address.trace.clone(),
        channel: Channel::Api,
        control: ProjectControl::default(),
    }
}

/// Runs one slice of the job, unless another process has locked or finished the job. Returns whether this has finished the job.
async fn run_slice(core: &Core, address: &JobAddress) -> Result<bool, Error> {
    let caller = caller_of(address);
    match address.kind {
        JobType::CustomersBulkUpdate
        | JobType::CustomersMetadataUpdate
        | JobType::CustomersImportCsv
        | JobType::OrdersImport => {
            let mut work = UnitOfWork::begin(core, &caller, Recording::Job).await?;
            match apply_slice(&mut work, address).await {
                Ok(is_finished) => work.commit().await.map(|()| is_finished),
                Err(error) => {
                    // Wait for the roll-back, so that the next attempt finds the job unlocked.
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

async fn apply_slice(work: &mut UnitOfWork<'_>, address: &JobAddress) -> Result<bool, Error> {
    let (core, project) = (work.core, address.project);
    let Some(job) = db::jobs::try_lock(work.connection(), address).await? else { return Ok(false) };
    let expires_at = work.now + TimeDelta::days(limits::REPORT_RETENTION_DAYS);
    let Some(slice) = db::jobs::lock_first_slice(work.connection(), project, &job.id).await? else {
        let (done, now) = (job.succeeded_count, work.clock_time());
        db::jobs::finish(work.connection(), project, &job.id, done, now, Some(expires_at)).await?;
        return Ok(true);
    };
    core.job_scheduler.set_current_slice(project, &slice);
    let mut outcome = match address.kind {
        JobType::CustomersImportCsv => import_csv::apply(work, &job, &slice).await?,
        JobType::OrdersImport => import_orders::apply(work, &job, &slice).await?,
        _ => bulk::apply(work, &job, &slice).await?,
    };
    limit_failures(&mut outcome, &job);
    let now = work.clock_time();
    Ok(db::jobs::finish_slice(work.connection(), project, &job.id, &slice, &outcome, now, expires_at).await?)
}

/// Limits the stored failures of a job to those that are listed.
fn limit_failures(outcome: &mut SliceOutcome, job: &Job) {
    let remaining = usize::try_from(limits::LISTED_FAILURES - job.failed_count).unwrap_or_default();
    outcome.failures.truncate(remaining);
}

/// Handles a failed attempt. A slice with several records is split into slices of one record each, which are tried one
/// by one. A slice of one record has failed, unless the error is transient. A job without slices has failed after
/// [`MAX_ATTEMPTS`]. Returns `false` where another transaction has locked the job.
///
/// The transaction excludes all other writers of the project. An erasure locks the slices of its customer in their order
/// before it changes one of them, so no slice may be split meanwhile.
async fn handle_failure(
    core: &Core,
    address: &JobAddress,
    active_project: &ActiveProject<'_>,
    is_transient: bool,
) -> Result<bool, Error> {
    let mut exclusive = ExclusiveTransaction::begin(core, &caller_of(address)).await?;
    let (project, now) = (address.project, exclusive.time.clock);
    let expires_at = now + TimeDelta::days(limits::REPORT_RETENTION_DAYS);
    let (transaction, mut finished) = (exclusive.connection(), None);
    let Some(job) = db::jobs::try_lock(transaction, address).await? else { return Ok(false) };
    match db::jobs::lock_first_slice(transaction, project, &job.id).await? {
        Some(slice) if !active_project.may_have_run(&slice) => {}
        Some(slice) if slice.records.len() > 1 => {
            db::jobs::split_slice(transaction, project, &job.id, slice.number).await?;
        }
        _ if is_transient => {}
        Some(slice) => {
            let mut outcome = failed_outcome(job.kind, &slice);
            limit_failures(&mut outcome, &job);
            let is_over =
                db::jobs::finish_slice(transaction, project, &job.id, &slice, &outcome, now, expires_at).await?;
            finished = is_over.then_some(false);
        }
        None => {
            let has_failed =
                db::jobs::fail_attempt(transaction, project, &job.id, MAX_ATTEMPTS, now, expires_at).await?;
            finished = has_failed.then_some(true);
        }
    }
    exclusive.commit().await?;
    if let Some(has_failed) = finished {
        core.metrics.work.job_finished(job.kind.as_str(), has_failed);
    }
    Ok(true)
}

/// Returns the outcome of a slice of one record that cannot be applied.
fn failed_outcome(kind: JobType, slice: &Slice) -> SliceOutcome {
    let mut outcome = SliceOutcome::default();
    for (number, record) in (slice.number..).zip(&slice.records) {
        if let Some(record) = record {
            add_failure(&mut outcome, kind, number, record, &Failure::internal());
        }
    }
    outcome
}
