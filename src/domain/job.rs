//! Background jobs, the records they process, and their results.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::customer::CustomerReference;
use super::json::JsonText;
use super::limits;
use super::project::ProjectId;
use super::trace_context::TraceContext;

/// The type of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobType {
    /// `POST /v1/customers/bulk/async`.
    CustomersBulkUpdate,
    /// `POST /v1/customers/metadata/async`.
    CustomersMetadataUpdate,
    /// `POST /v1/customers/importCSV`.
    CustomersImportCsv,
    /// Removes a metadata key from all customers.
    CustomersMetadataKeyPurge,
    /// `POST /v1/orders/import`.
    OrdersImport,
    /// Removes a metadata key from all orders.
    OrdersMetadataKeyPurge,
    /// An export, which is not listed as an async action.
    Export,
}

impl JobType {
    /// All job types.
    pub const ALL: [Self; 7] = [
        Self::CustomersBulkUpdate,
        Self::CustomersMetadataUpdate,
        Self::CustomersImportCsv,
        Self::CustomersMetadataKeyPurge,
        Self::OrdersImport,
        Self::OrdersMetadataKeyPurge,
        Self::Export,
    ];

    /// Returns the vendor's name of the async action.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomersBulkUpdate => "CUSTOMERS.BULK_UPDATE",
            Self::CustomersMetadataUpdate => "CUSTOMERS.METADATA_UPDATE",
            Self::CustomersImportCsv => "CUSTOMERS.IMPORT_CSV",
            Self::CustomersMetadataKeyPurge => "CUSTOMERS.METADATA_KEY_PURGE",
            Self::OrdersImport => "ORDERS.IMPORT",
            Self::OrdersMetadataKeyPurge => "ORDERS.METADATA_KEY_PURGE",
            Self::Export => "EXPORT",
        }
    }

    /// Returns whether the job runs as one step of unlimited duration, instead of slice by slice.
    #[must_use]
    pub fn is_single_step(self) -> bool {
        matches!(self, Self::CustomersMetadataKeyPurge | Self::OrdersMetadataKeyPurge | Self::Export)
    }

    /// Returns the type with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// An earlier job of the same project is not finished.
    Waiting,
    /// The job is the first of its project: it is running, or is the next to run.
    InProgress,
    /// The job has processed everything, even if some records failed.
    Done,
    /// The job failed as a whole.
    Failed,
}

/// A job as it is stored.
#[derive(Clone, Debug)]
pub struct Job {
    /// `aa_...`, or `exp_...` of an export.
    pub id: String,
    pub kind: JobType,
    pub status: JobStatus,
    /// The input of the job other than its records; the form depends on the type.
    pub parameters: Option<JsonText>,
    /// The server key of the request that created the job.
    pub app_id: Arc<str>,
    /// The id of the request that created the job.
    pub request_id: String,
    /// The token that grants access to the download of the result.
    pub token: String,
    /// Total number of records; 0 if the job does not count them.
    pub records: i64,
    /// Number of records that were processed.
    pub processed_count: i64,
    pub succeeded_count: i64,
    pub failed_count: i64,
    /// Number of times the job failed as a whole.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    /// Time of the last progress.
    pub updated_at: DateTime<Utc>,
    /// When its results expire; `None` if it is not finished or its results do not expire.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Job {
    /// Returns the progress in percent.
    #[must_use]
    pub fn progress(&self) -> i64 {
        match self.status {
            JobStatus::Done | JobStatus::Failed => 100,
            JobStatus::Waiting | JobStatus::InProgress if self.records == 0 => 0,
            // Less than one percent may be left, so an unfinished job shows 99 at most.
            JobStatus::Waiting | JobStatus::InProgress => (self.processed_count * 100 / self.records).clamp(0, 99),
        }
    }
}

/// A new job; its records are stored in the same transaction.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: String,
    pub kind: JobType,
    pub parameters: Option<JsonText>,
    pub token: String,
    pub records: i64,
    pub created_at: DateTime<Utc>,
}

/// Identifies a job across all projects, with the data that a worker needs to start it.
#[derive(Clone, Debug)]
pub struct JobAddress {
    pub project: ProjectId,
    pub id: String,
    pub kind: JobType,
    pub app_id: Arc<str>,
    pub request_id: String,
    /// The trace of the request that created the job.
    pub trace: Option<Arc<TraceContext>>,
}

/// One record that a job has to process, and the customers that it identifies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// JSON written by this program; its form depends on the job type.
    pub json: String,
    pub customer: CustomerIds,
    pub referrer: CustomerIds,
}

/// The identifiers of a customer in a record. The id takes precedence over the source id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerIds {
    pub id: Option<String>,
    pub source_id: Option<String>,
}

impl CustomerIds {
    /// Returns the identifiers in `reference`, or none if it is `None`.
    #[must_use]
    pub fn of(reference: Option<&CustomerReference>) -> Self {
        reference.map_or_else(Self::default, |reference| Self {
            id: reference.id.clone(),
            source_id: reference.source_id.clone(),
        })
    }
}

/// Consecutive records that are applied in one transaction.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The number of the first record in the job, starting at 1.
    pub number: i64,
    /// `None` for a record whose customer was erased in the meantime.
    pub records: Vec<Option<Record>>,
}

/// A line of a job result, and the customers whose data it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultLine {
    pub text: String,
    pub customer_id: Option<String>,
    pub source_id: Option<String>,
    pub referrer_id: Option<String>,
}

/// The stored result of a slice.
#[derive(Clone, Debug, Default)]
pub struct SliceOutcome {
    pub done: i64,
    pub failed: i64,
    /// Lines of the downloadable CSV file, including line ends.
    pub file: Vec<ResultLine>,
    /// Failed records as JSON.
    pub failures: Vec<ResultLine>,
}

/// The kind of error of a request, or of one record in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    InvalidPayload,
    InvalidMetadata,
    NotFound,
    Internal,
}

impl FailureKind {
    /// Returns the vendor's error key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::InvalidPayload => "invalid_payload",
            Self::InvalidMetadata => "metadata_validation_failed",
            Self::NotFound => "not_found",
            Self::Internal => "internal_server_error",
        }
    }

    /// Returns the vendor's error message. The message of [`FailureKind::Internal`] is defined by this project.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::InvalidPayload => "Invalid payload",
            Self::InvalidMetadata => "Metadata validation failed",
            Self::NotFound => "Resource not found",
            Self::Internal => "Internal Server Error",
        }
    }
}

/// Why a record was not applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    pub details: String,
}

impl Failure {
    /// Returns a failure. Details longer than [`limits::FAILURE_CHARS`] are truncated.
    #[must_use]
    pub fn new(kind: FailureKind, mut details: String) -> Self {
        if let Some((end, _)) = details.char_indices().nth(limits::FAILURE_CHARS) {
            details.truncate(end);
            details.push('…');
        }
        Self { kind, details }
    }

    /// Returns the failure of a record because of an error in the database or this program, with the text that the
    /// vendor uses in import results.
    #[must_use]
    pub fn internal() -> Self {
        Self { kind: FailureKind::Internal, details: "Internal error".to_owned() }
    }
}

/// Splits records into slices of at most `max_records` records and approximately `max_bytes` bytes of JSON.
#[derive(Debug)]
pub struct Slicer {
    max_records: usize,
    max_bytes: usize,
    /// Bytes to add for each record.
    shared_bytes: usize,
    next_number: i64,
    buffered_bytes: usize,
    records: Vec<Option<Record>>,
}

impl Default for Slicer {
    fn default() -> Self {
        Self::new(limits::SLICE_RECORDS, limits::SLICE_BYTES)
    }
}

impl Slicer {
    /// Returns a slicer with the given limits per slice.
    #[must_use]
    pub fn new(max_records: usize, max_bytes: usize) -> Self {
        Self { max_records, max_bytes, shared_bytes: 0, next_number: 1, buffered_bytes: 0, records: Vec::new() }
    }

    /// Adds `shared_bytes` to the size of each record, for data that is stored once but applied to every record.
    #[must_use]
    pub fn with_shared_bytes(self, shared_bytes: usize) -> Self {
        Self { shared_bytes, ..self }
    }

    /// Adds a record. Returns a slice if the record completes it.
    pub fn push(&mut self, record: Record) -> Option<Slice> {
        self.buffered_bytes += record.json.len() + self.shared_bytes;
        self.records.push(Some(record));
        let is_full = self.records.len() >= self.max_records || self.buffered_bytes >= self.max_bytes;
        if is_full { self.take_remainder() } else { None }
    }

    /// Returns the records that are not in a slice yet as the last slice, or `None` if there are none.
    pub fn take_remainder(&mut self) -> Option<Slice> {
        if self.records.is_empty() {
            return None;
        }
        let (number, records) = (self.next_number, std::mem::take(&mut self.records));
        self.buffered_bytes = 0;
        self.next_number += i64::try_from(records.len()).unwrap_or_default();
        Some(Slice { number, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        Record { json: json.to_owned(), ..Record::default() }
    }

    #[test]
    fn records_are_split_by_number_and_by_size() {
        let mut slicer = Slicer::new(2, 10);
        let produced: Vec<_> =
            ["a", "b", "0123456789", "c"].into_iter().filter_map(|json| slicer.push(record(json))).collect();
        let shape: Vec<_> = produced.iter().map(|slice| (slice.number, slice.records.len())).collect();
        assert_eq!(shape, [(1, 2), (3, 1)]);
        let rest = slicer.take_remainder().unwrap();
        assert_eq!((rest.number, rest.records.len()), (4, 1));
        assert!(slicer.take_remainder().is_none());
    }
}
