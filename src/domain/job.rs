//! Work in the background: what a job is, what it goes through, and what it leaves behind.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::customer::CustomerReference;
use super::json::JsonText;
use super::limits;
use super::project::ProjectId;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobType {
    /// `POST /v1/customers/bulk/async`.
    CustomersBulkUpdate,
    /// `POST /v1/customers/metadata/async`.
    CustomersMetadataUpdate,
    /// `POST /v1/customers/importCSV`.
    CustomersImportCsv,
    /// A key of the customers' metadata is removed everywhere.
    CustomersMetadataKeyPurge,
    /// `POST /v1/orders/import`.
    OrdersImport,
    /// A key of the orders' metadata is removed everywhere.
    OrdersMetadataKeyPurge,
    /// An export, which is no async action.
    Export,
}

impl JobType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CustomersBulkUpdate,
        Self::CustomersMetadataUpdate,
        Self::CustomersImportCsv,
        Self::CustomersMetadataKeyPurge,
        Self::OrdersImport,
        Self::OrdersMetadataKeyPurge,
        Self::Export,
    ];

    /// The vendor's name of the async action.
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

    /// Whether it is done in one piece, however long that takes.
    #[must_use]
    pub fn is_one_piece(self) -> bool {
        matches!(self, Self::CustomersMetadataKeyPurge | Self::OrdersMetadataKeyPurge | Self::Export)
    }

    /// The type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Another job of the project comes first.
    Waiting,
    /// It is the first of its project, and so is being done, or is about to be.
    InProgress,
    /// It has gone through everything, also where records failed.
    Done,
    /// It could not be done.
    Failed,
}

/// A job as it is stored.
#[derive(Clone, Debug)]
pub struct Job {
    /// `aa_...`, or `exp_...` of an export.
    pub id: String,
    pub kind: JobType,
    pub status: JobStatus,
    /// What its type needs beside its records.
    pub parameters: Option<JsonText>,
    /// The server key of the request that asked for it.
    pub app_id: Arc<str>,
    /// The id of that request.
    pub request_id: String,
    /// Opens the download of what it leaves behind.
    pub token: String,
    /// How many records it began with; 0 where they are not counted.
    pub records: i64,
    /// How many of them are behind it.
    pub gone_through: i64,
    pub done_count: i64,
    pub failed_count: i64,
    /// How often it has failed as a whole.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    /// Of the last progress.
    pub updated_at: DateTime<Utc>,
    /// When its results go; `None` while it is not finished, or where they stay.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Job {
    /// Percent.
    #[must_use]
    pub fn progress(&self) -> i64 {
        match self.status {
            JobStatus::Done | JobStatus::Failed => 100,
            JobStatus::Waiting | JobStatus::InProgress if self.records == 0 => 0,
            // What is left may be less than a percent.
            JobStatus::Waiting | JobStatus::InProgress => (self.gone_through * 100 / self.records).clamp(0, 99),
        }
    }
}

/// A job to accept; its records are accepted with it.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: String,
    pub kind: JobType,
    pub parameters: Option<JsonText>,
    pub token: String,
    pub records: i64,
    pub created_at: DateTime<Utc>,
}

/// Where a job is: what a worker needs to begin with it.
#[derive(Clone, Debug)]
pub struct JobAddress {
    pub project: ProjectId,
    pub id: String,
    pub kind: JobType,
    pub app_id: Arc<str>,
    pub request_id: String,
}

/// One record that a job has to go through, and whom it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Written by this program; what is in it, the job's type decides.
    pub json: String,
    pub person: PersonName,
    pub referrer: PersonName,
}

/// How a record names a person: the id wins over the source id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonName {
    pub id: Option<String>,
    pub source_id: Option<String>,
}

impl PersonName {
    /// How a record that says this of a person names them; nobody where it says nothing.
    #[must_use]
    pub fn of(reference: Option<&CustomerReference>) -> Self {
        reference.map_or_else(Self::default, |reference| Self {
            id: reference.id.clone(),
            source_id: reference.source_id.clone(),
        })
    }
}

/// Records that are applied together.
#[derive(Clone, Debug)]
pub struct Slice {
    /// That of its first record, from 1; the others follow.
    pub number: i64,
    /// `None` where the person was forgotten since.
    pub records: Vec<Option<Record>>,
}

/// A line that a job leaves behind, and whom it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultLine {
    pub text: String,
    pub customer_id: Option<String>,
    pub source_id: Option<String>,
    pub referrer_id: Option<String>,
}

/// What a job keeps of a slice.
#[derive(Clone, Debug, Default)]
pub struct SliceOutcome {
    pub done: i64,
    pub failed: i64,
    /// Of the CSV file that can be downloaded, each with its end of line.
    pub file: Vec<ResultLine>,
    /// JSON of each record that failed.
    pub failures: Vec<ResultLine>,
}

/// What kind of thing is wrong with a request, or with one record of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    InvalidPayload,
    InvalidMetadata,
    NotFound,
    Internal,
}

impl FailureKind {
    /// The vendor's machine key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::InvalidPayload => "invalid_payload",
            Self::InvalidMetadata => "metadata_validation_failed",
            Self::NotFound => "not_found",
            Self::Internal => "internal_server_error",
        }
    }

    /// The vendor's short text; that of [`FailureKind::Internal`] is this project's.
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
    /// A failure; details that quote very much are cut.
    #[must_use]
    pub fn new(kind: FailureKind, mut details: String) -> Self {
        if let Some((end, _)) = details.char_indices().nth(limits::FAILURE_CHARS) {
            details.truncate(end);
            details.push('…');
        }
        Self { kind, details }
    }

    /// What the database, or this program, could not do with a record; the vendor's words in the result of an import.
    #[must_use]
    pub fn internal() -> Self {
        Self { kind: FailureKind::Internal, details: "Internal error".to_owned() }
    }
}

/// Cuts records into slices of at most `most` of them and about `bytes` of JSON.
#[derive(Debug)]
pub struct Slicer {
    most: usize,
    bytes: usize,
    shared: usize,
    next: i64,
    held: usize,
    records: Vec<Option<Record>>,
}

impl Default for Slicer {
    fn default() -> Self {
        Self::new(limits::SLICE_RECORDS, limits::SLICE_BYTES)
    }
}

impl Slicer {
    #[must_use]
    pub fn new(most: usize, bytes: usize) -> Self {
        Self { most, bytes, shared: 0, next: 1, held: 0, records: Vec::new() }
    }

    /// Counts so many bytes with each record: what is the same for all of them.
    #[must_use]
    pub fn with_shared(self, shared: usize) -> Self {
        Self { shared, ..self }
    }

    /// Takes a record, and gives the slice that it fills, if it does.
    pub fn push(&mut self, record: Record) -> Option<Slice> {
        self.held += record.json.len() + self.shared;
        self.records.push(Some(record));
        if self.records.len() >= self.most || self.held >= self.bytes { self.rest() } else { None }
    }

    /// What is left over.
    pub fn rest(&mut self) -> Option<Slice> {
        if self.records.is_empty() {
            return None;
        }
        let (number, records) = (self.next, std::mem::take(&mut self.records));
        self.held = 0;
        self.next += i64::try_from(records.len()).unwrap_or_default();
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
    fn records_are_cut_by_number_and_by_size() {
        let mut slicer = Slicer::new(2, 10);
        let cuts: Vec<_> =
            ["a", "b", "0123456789", "c"].into_iter().filter_map(|json| slicer.push(record(json))).collect();
        let shape: Vec<_> = cuts.iter().map(|slice| (slice.number, slice.records.len())).collect();
        assert_eq!(shape, [(1, 2), (3, 1)]);
        let rest = slicer.rest().unwrap();
        assert_eq!((rest.number, rest.records.len()), (4, 1));
        assert!(slicer.rest().is_none());
    }
}
