//! `CUSTOMERS.BULK_UPDATE` and `CUSTOMERS.METADATA_UPDATE`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::report::{add_failure, record_result, report_line};
use super::yielding::yield_between_records;
use crate::domain::customer::{CustomerPatch, CustomerReference};
use crate::domain::job::{Failure, Job, JobType, Record, Slice, SliceOutcome};
use crate::domain::json::read_back;
use crate::domain::patch::Patch;
use crate::objects::async_action;
use crate::service::Error;
use crate::service::write::{CustomerBatch, UnitOfWork};

/// The stored form of one record of a bulk update. The customer is stored beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkRecord {
    Patch(Box<CustomerPatch>),
    /// The record was invalid when the job was accepted. Only this record fails.
    Failure(Failure),
}

/// Applies a slice.
pub(super) async fn apply(work: &mut UnitOfWork<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let metadata = job.parameters.as_ref().filter(|_| job.kind == JobType::CustomersMetadataUpdate);
    let shared_metadata = metadata.map(|metadata| match metadata.value() {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    });
    save_each(work, job.kind, slice, |record| reference(record, shared_metadata.as_ref())).await
}

/// Creates or updates the customer of each record. `read` converts a record into a customer reference.
pub(super) async fn save_each(
    work: &mut UnitOfWork<'_>,
    kind: JobType,
    slice: &Slice,
    read: impl Fn(&Record) -> Result<CustomerReference, Failure>,
) -> Result<SliceOutcome, Error> {
    let mut records = Vec::with_capacity(slice.records.len());
    for (number, record) in (slice.number..).zip(&slice.records) {
        // The record is empty when its customer was erased after the job was accepted.
        let Some(record) = record else { continue };
        records.push((number, record, read(record)));
    }
    let references: Vec<_> = records.iter().filter_map(|(.., read)| read.as_ref().ok()).collect();
    let mut batch = CustomerBatch::lock(work, &references, Vec::new()).await?;
    let mut outcome = SliceOutcome::default();
    for (number, record, read) in &records {
        yield_between_records(*number).await;
        let saved = match read {
            Ok(reference) => record_result(batch.resolve(work, reference).await)?,
            Err(failure) => Err(failure.clone()),
        };
        match saved {
            Ok(saved) => {
                outcome.done += 1;
                if async_action::has_report(kind) {
                    outcome.file.push(report_line(record, saved.existed(), true));
                }
            }
            Err(failure) => add_failure(&mut outcome, kind, *number, record, &failure),
        }
    }
    batch.write(work).await?;
    Ok(outcome)
}

fn reference(record: &Record, metadata: Option<&Map<String, Value>>) -> Result<CustomerReference, Failure> {
    let patch = if let Some(metadata) = metadata {
        CustomerPatch { metadata: Patch::Value(metadata.clone()), ..CustomerPatch::default() }
    } else {
        match read_back(&record.json) {
            Ok(BulkRecord::Patch(patch)) => *patch,
            Ok(BulkRecord::Failure(failure)) => return Err(failure),
            Err(_) => return Err(Failure::internal()),
        }
    };
    Ok(CustomerReference { id: None, source_id: record.customer.source_id.clone(), patch })
}
