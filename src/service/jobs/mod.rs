//! Work in the background. A request accepts a job by writing it; a worker brings it forward, slice by slice, each of which is
//! one transaction.

mod bulk;
mod customers;
mod ledger;
mod orders;
mod purge;
mod underway;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use subtle::ConstantTimeEq;
use tokio::time::sleep;

use super::{Caller, Core, Error, Resource, Work, retry};
use crate::db;
use crate::db::jobs::Part;
use crate::domain::identifier::Identifier;
use crate::domain::job::{
    Failure, Job, JobAddress, JobStatus, JobType, NewJob, Record, ResultLine, Slice, SliceOutcome, Slicer,
};
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::project::ProjectId;
use crate::objects::async_action;

pub use bulk::BulkRecord;
pub use orders::ImportedOrder;
pub use purge::PurgeParameters;
use underway::Turn;
pub use underway::Underway;

/// How often a job without slices is tried.
const ATTEMPTS: i32 = 3;
/// How often it is tried to take hold of a job that failed, and how long it is waited in between.
const SET_BACK_ATTEMPTS: usize = 20;
const SET_BACK_PAUSE: Duration = Duration::from_millis(5);
/// Characters of the token that opens a download.
const TOKEN_CHARS: usize = 48;

/// A job that a request asks for.
#[derive(Clone, Debug)]
pub struct JobRequest {
    pub kind: JobType,
    pub parameters: Option<JsonText>,
}

/// Accepts a job that goes through `records`, and returns its id. It begins when the transaction is over and those that were
/// accepted before it are finished.
///
/// # Errors
/// When the database fails.
pub async fn accept(
    core: &Core,
    caller: &Caller,
    request: JobRequest,
    records: impl IntoIterator<Item = Record>,
) -> Result<String, Error> {
    let now = core.clock.now();
    let id = core.ids.timed("aa_", now);
    let mut transaction = core.pool.begin().await?;
    let mut slicer = slicer(request.kind);
    for record in records {
        if let Some(slice) = slicer.push(record) {
            db::jobs::insert_slice(&mut transaction, caller.project, &id, &slice).await?;
        }
    }
    if let Some(slice) = slicer.rest() {
        db::jobs::insert_slice(&mut transaction, caller.project, &id, &slice).await?;
    }
    let job = NewJob {
        id: id.clone(),
        kind: request.kind,
        parameters: request.parameters,
        token: format!("{}.{}", caller.project.0, core.ids.random_of("", TOKEN_CHARS)),
        records: slicer.count(),
        created_at: now,
    };
    let address = JobAddress {
        project: caller.project,
        id: id.clone(),
        kind: request.kind,
        app_id: caller.app_id.clone(),
        request_id: caller.request_id.clone(),
    };
    db::jobs::accept(&mut transaction, &address, &job).await?;
    transaction.commit().await?;
    Ok(id)
}

/// How the records of a job are cut. Those of an import of orders, which are not many, stay together, so that the summary of each
/// customer is made once.
fn slicer(kind: JobType) -> Slicer {
    match kind {
        JobType::OrdersImport => Slicer::new(limits::IMPORTED_ORDERS, usize::MAX),
        _ => Slicer::new(limits::SLICE_RECORDS, limits::SLICE_BYTES),
    }
}

/// An async action, with the records of it that failed, as JSON; no more than
/// [`LISTED_FAILURES`](crate::domain::limits::LISTED_FAILURES) of them are kept.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn async_action(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(Job, Vec<String>), Error> {
    let not_found = || Error::not_found(Resource::AsyncAction, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::find(&mut connection, caller.project, identifier.as_str()).await?;
    let job = found.filter(|job| job.kind != JobType::Export).ok_or_else(not_found)?;
    let (mut failures, mut number) = (Vec::new(), 0);
    if job.failed_count > 0 && job.status == JobStatus::Done {
        while let Some((last, lines)) =
            db::jobs::lines(&mut connection, caller.project, &job.id, Part::Failed, number).await?
        {
            failures.extend(lines);
            number = last;
        }
    }
    connection.release();
    Ok((job, failures))
}

/// The finished job whose file `token` opens, with its project; `None` where the token is another's or the file is gone.
///
/// # Errors
/// When the database fails.
pub async fn download(core: &Core, identifier: &Identifier, token: &str) -> Result<Option<(ProjectId, Job)>, Error> {
    // The token tells the project, which its keys would tell otherwise.
    let project = token.split_once('.').and_then(|(project, _)| project.parse().ok()).map(ProjectId);
    let Some(project) = project.filter(|_| identifier.can_exist()) else { return Ok(None) };
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::find(&mut connection, project, identifier.as_str()).await?;
    connection.release();
    let now = core.clock.now();
    let opens = |job: &Job| {
        bool::from(job.token.as_bytes().ct_eq(token.as_bytes()))
            && job.status == JobStatus::Done
            && job.expires_at.is_none_or(|expires_at| now < expires_at)
    };
    Ok(found.filter(opens).map(|job| (project, job)))
}

/// Brings some job forward by one slice; `false` where there is nothing to do. Every worker calls it until then.
///
/// # Errors
/// When the database fails in a way that is not the job's fault.
pub async fn work_on(core: &Arc<Core>) -> Result<bool, Error> {
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::peek(&mut connection, &core.underway.ids()).await?;
    connection.release();
    let Some(address) = found else { return Ok(false) };
    let Some(turn) = core.underway.begin(&address.id) else { return Ok(true) };
    // A task of its own, so that a panic ends the slice and not the worker.
    let slice = {
        let (core, address) = (Arc::clone(core), address.clone());
        tokio::spawn(async move { retry(async || bring_forward(&core, &address).await).await })
    };
    let failure = match slice.await {
        Ok(Ok(())) => return Ok(true),
        Ok(Err(Error::Database(error))) if db::error::is_unavailable(&error) => return Err(error.into()),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic.to_string(),
    };
    tracing::error!(job = address.id, kind = address.kind.as_str(), failure, "a slice of a job failed");
    // The transaction that failed may still be on its way back, with the lock of the job.
    for _ in 0..SET_BACK_ATTEMPTS {
        if set_back(core, &address, &turn).await? {
            break;
        }
        sleep(SET_BACK_PAUSE).await;
    }
    Ok(true)
}

/// Removes the results whose time is over.
///
/// # Errors
/// When the database fails.
pub async fn expire(core: &Core) -> Result<(), Error> {
    let mut connection = core.pool.acquire().await?;
    db::jobs::expire(&mut connection, core.clock.now()).await?;
    connection.release();
    Ok(())
}

/// One slice of the job, if it is still to be had.
async fn bring_forward(core: &Core, address: &JobAddress) -> Result<(), Error> {
    let caller =
        Caller { project: address.project, app_id: address.app_id.clone(), request_id: address.request_id.clone() };
    match address.kind {
        JobType::CustomersBulkUpdate
        | JobType::CustomersMetadataUpdate
        | JobType::CustomersImportCsv
        | JobType::OrdersImport => apply_slice(core, &caller, address).await,
        JobType::CustomersMetadataKeyPurge | JobType::OrdersMetadataKeyPurge => {
            purge::apply(core, &caller, address).await
        }
        JobType::Export => Ok(()),
    }
}

async fn apply_slice(core: &Core, caller: &Caller, address: &JobAddress) -> Result<(), Error> {
    let mut work = Work::begin(core, caller).await?;
    let Some(job) = db::jobs::claim(work.connection(), address).await? else { return Ok(()) };
    let expires_at = work.now + TimeDelta::days(limits::REPORT_DAYS);
    let Some(slice) = db::jobs::first_slice(work.connection(), address.project, &job.id).await? else {
        let now = work.now;
        db::jobs::finish(work.connection(), address.project, &job.id, job.done_count, now, Some(expires_at)).await?;
        return work.commit().await;
    };
    core.underway.tries(&job.id, &slice);
    let mut outcome = match address.kind {
        JobType::CustomersBulkUpdate | JobType::CustomersMetadataUpdate => bulk::apply(&mut work, &job, &slice).await?,
        JobType::OrdersImport => orders::apply(&mut work, &job, &slice).await?,
        _ => SliceOutcome::default(),
    };
    // What is listed has a limit, and what is kept with it.
    let room = usize::try_from(limits::LISTED_FAILURES - job.failed_count).unwrap_or_default();
    outcome.failures.truncate(room);
    // The clock anew: what the slice took is in the time that the job took.
    let now = core.clock.now();
    db::jobs::finish_slice(work.connection(), address.project, &job.id, &slice, &outcome, now, expires_at).await?;
    work.commit().await
}

/// After a failure that nobody foresaw: the records of the slice are tried one by one, and one that fails alone has failed.
/// `false` where somebody else has the job.
async fn set_back(core: &Core, address: &JobAddress, turn: &Turn<'_>) -> Result<bool, Error> {
    let now = core.clock.now();
    let mut transaction = core.pool.begin().await?;
    let Some(job) = db::jobs::claim(&mut transaction, address).await? else { return Ok(false) };
    match db::jobs::first_slice(&mut transaction, address.project, &job.id).await? {
        None => db::jobs::fail_attempt(&mut transaction, address.project, &job.id, ATTEMPTS, now).await?,
        Some(slice) if !turn.was_at(&slice) => {}
        Some(slice) if slice.records.len() > 1 => {
            db::jobs::split_slice(&mut transaction, address.project, &job.id, slice.number).await?;
        }
        Some(slice) => {
            let outcome = failed_alone(job.kind, &slice);
            let expires_at = now + TimeDelta::days(limits::REPORT_DAYS);
            db::jobs::finish_slice(&mut transaction, address.project, &job.id, &slice, &outcome, now, expires_at)
                .await?;
        }
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

/// Tells, in the vendor's form for that type, that a record was not applied.
fn tell_failure(outcome: &mut SliceOutcome, kind: JobType, number: i64, record: &Record, failure: &Failure) {
    outcome.failed += 1;
    let of_order = (kind == JobType::OrdersImport).then(|| orders::source_id(record));
    let source_id = of_order.unwrap_or_else(|| record.person.source_id.clone());
    outcome.failures.push(ResultLine {
        text: async_action::failure(kind, number, source_id.as_deref(), failure).as_str().to_owned(),
        customer_id: record.person.id.clone(),
        source_id: record.person.source_id.clone(),
        referrer_id: record.referrer.id.clone(),
    });
    if async_action::has_report(kind) {
        outcome.file.push(bulk::report_line(record, false, false));
    }
}
