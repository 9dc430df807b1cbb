//! How a request accepts a job.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db;
use crate::db::pool::Transaction;
use crate::domain::job::{JobAddress, JobType, NewJob, Record, Slice, Slicer};
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::service::{Caller, Core, Error};

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
    let mut slicer = slicer(&request);
    let mut acceptance = Acceptance::begin(core, caller, request).await?;
    for record in records {
        if let Some(slice) = slicer.push(record) {
            acceptance.add(&slice).await?;
        }
    }
    if let Some(slice) = slicer.rest() {
        acceptance.add(&slice).await?;
    }
    Ok(acceptance.end().await?.id)
}

/// How the records of a job are cut. Those of an import of orders, which are not many, stay together, so that the summary of each
/// customer is made once. What is the same for all records counts with each of them.
fn slicer(request: &JobRequest) -> Slicer {
    match request.kind {
        JobType::OrdersImport => Slicer::new(limits::IMPORTED_ORDERS, usize::MAX),
        JobType::CustomersMetadataUpdate => {
            let shared = request.parameters.as_ref().map_or(0, |metadata| metadata.as_str().len());
            Slicer::default().with_shared(shared)
        }
        _ => Slicer::default(),
    }
}

/// A job on the way to being accepted, whose slices are made while they are taken. Dropped before [`Acceptance::end`],
/// nothing was accepted.
#[derive(Debug)]
pub struct Acceptance {
    transaction: Transaction,
    address: JobAddress,
    parameters: Option<JsonText>,
    token: String,
    records: i64,
    created_at: DateTime<Utc>,
}

impl Acceptance {
    /// Begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(core: &Core, caller: &Caller, request: JobRequest) -> Result<Self, Error> {
        let created_at = core.clock.now();
        let id = match request.kind {
            JobType::Export => core.ids.random("exp_"),
            _ => core.ids.timed("aa_", created_at),
        };
        let address = JobAddress {
            project: caller.project,
            id,
            kind: request.kind,
            app_id: caller.app_id.clone(),
            request_id: caller.request_id.clone(),
        };
        let token = format!("{}.{}", caller.project.0, core.ids.random_of("", TOKEN_CHARS));
        let transaction = core.pool.begin().await?;
        Ok(Self { transaction, address, parameters: request.parameters, token, records: 0, created_at })
    }

    /// The connection with the transaction that accepts it.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Adds the next slice.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(&mut self, slice: &Slice) -> Result<(), Error> {
        self.records += i64::try_from(slice.records.len()).unwrap_or_default();
        let JobAddress { project, id, .. } = &self.address;
        Ok(db::jobs::insert_slice(&mut self.transaction, *project, id, slice).await?)
    }

    /// Accepts the job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(mut self) -> Result<NewJob, Error> {
        let job = NewJob {
            id: self.address.id.clone(),
            kind: self.address.kind,
            parameters: self.parameters,
            token: self.token,
            records: self.records,
            created_at: self.created_at,
        };
        db::jobs::accept(&mut self.transaction, &self.address, &job).await?;
        self.transaction.commit().await?;
        Ok(job)
    }
}
