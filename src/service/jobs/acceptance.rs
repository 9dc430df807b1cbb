//! Acceptance of a job by a request.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db;
use crate::db::pool::Transaction;
use crate::domain::job::{JobAddress, JobType, NewJob, Record, Slice, Slicer};
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::service::id_source::{id_source_of, store_id_counts};
use crate::service::pending_work::WorkKind;
use crate::service::{Caller, Core, Error};

/// The number of random characters in the download token of a job.
const TOKEN_CHARS: usize = 48;

/// A job that a request asks for.
#[derive(Clone, Debug)]
pub struct JobRequest {
    pub kind: JobType,
    pub parameters: Option<JsonText>,
}

/// Accepts a job with `records`, and returns its id. The job starts after the transaction has committed and the
/// project's earlier jobs have finished.
///
/// # Errors
/// Returns an error when a database statement fails.
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
    if let Some(slice) = slicer.take_remainder() {
        acceptance.add(&slice).await?;
    }
    Ok(acceptance.end().await?.id)
}

/// Returns the slicer for the records of a job. The records of an order import, whose number is limited, stay in one
/// slice, so that the order summary of each customer is computed once. The metadata that an update sets on all
/// customers counts towards the size of each record.
fn slicer(request: &JobRequest) -> Slicer {
    match request.kind {
        JobType::OrdersImport => Slicer::new(limits::IMPORTED_ORDERS, usize::MAX),
        JobType::CustomersMetadataUpdate => {
            let shared_bytes = request.parameters.as_ref().map_or(0, |metadata| metadata.as_str().len());
            Slicer::default().with_shared_bytes(shared_bytes)
        }
        _ => Slicer::default(),
    }
}

/// The transaction that accepts a job and stores its slices one by one. If it is dropped before [`Acceptance::end`], it
/// is rolled back.
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
    /// Begins the transaction.
    ///
    /// # Errors
    /// Returns an error when the database is not available.
    pub async fn begin(core: &Core, caller: &Caller, request: JobRequest) -> Result<Self, Error> {
        core.pending_work.note(&core.pool, caller.project, WorkKind::Job).await?;
        let mut transaction = core.pool.begin_for(caller.project).await?;
        let mut ids = id_source_of(core, &mut transaction, caller).await?;
        let created_at = core.now(caller);
        let id = match request.kind {
            JobType::Export => ids.random("exp_"),
            _ => ids.time_ordered("aa_", created_at),
        };
        store_id_counts(&mut transaction, caller.project, &ids).await?;
        let address = JobAddress {
            project: caller.project,
            id,
            kind: request.kind,
            app_id: caller.app_id.clone(),
            request_id: caller.request_id.clone(),
            trace: caller.trace.clone(),
        };
        let token = format!("{}.{}", caller.project.0, core.ids.random_with_length("", TOKEN_CHARS));
        Ok(Self { transaction, address, parameters: request.parameters, token, records: 0, created_at })
    }

    /// Returns the connection of the transaction.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Stores the next slice.
    ///
    /// # Errors
    /// Returns an error when the database statement fails.
    pub async fn add(&mut self, slice: &Slice) -> Result<(), Error> {
        self.records += i64::try_from(slice.records.len()).unwrap_or_default();
        let JobAddress { project, id, .. } = &self.address;
        Ok(db::jobs::insert_slice(&mut self.transaction, *project, id, slice).await?)
    }

    /// Stores the job and commits.
    ///
    /// # Errors
    /// Returns an error when a database statement fails.
    pub async fn end(mut self) -> Result<NewJob, Error> {
        let job = NewJob {
            id: self.address.id.clone(),
            kind: self.address.kind,
            parameters: self.parameters,
            token: self.token,
            records: self.records,
            created_at: self.created_at,
        };
        db::jobs::insert(&mut self.transaction, &self.address, &job).await?;
        self.transaction.commit().await?;
        Ok(job)
    }
}
