//! `CUSTOMERS.BULK_UPDATE` and `CUSTOMERS.METADATA_UPDATE`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::customers::Crowd;
use super::{let_others, tell_failure};
use crate::domain::customer::{CustomerPatch, CustomerReference};
use crate::domain::job::{Failure, Job, JobType, Record, ResultLine, Slice, SliceOutcome};
use crate::domain::json::read_back;
use crate::domain::patch::Patch;
use crate::objects::{async_action, csv};
use crate::service::{Error, Work};

/// What a bulk update says of one customer, whom the record itself names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkRecord {
    Patch(Box<CustomerPatch>),
    /// It was wrong when it was accepted, and fails alone.
    Failure(Failure),
}

/// Applies a slice.
pub(super) async fn apply(work: &mut Work<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let metadata = job.parameters.as_ref().filter(|_| job.kind == JobType::CustomersMetadataUpdate);
    let same_for_all = metadata.map(|metadata| match metadata.value() {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    });
    save_each(work, job.kind, slice, |record| reference(record, same_for_all.as_ref())).await
}

/// Creates or changes the customer of each record, which `read` reads.
pub(super) async fn save_each(
    work: &mut Work<'_>,
    kind: JobType,
    slice: &Slice,
    read: impl Fn(&Record) -> Result<CustomerReference, Failure>,
) -> Result<SliceOutcome, Error> {
    let mut records = Vec::with_capacity(slice.records.len());
    for (number, record) in (slice.number..).zip(&slice.records) {
        // Forgotten since it was accepted.
        let Some(record) = record else { continue };
        records.push((number, record, read(record)));
    }
    let mut crowd = Crowd::lock(work, records.iter().filter_map(|(.., read)| read.as_ref().ok()), Vec::new()).await?;
    let mut outcome = SliceOutcome::default();
    for (number, record, read) in &records {
        let_others(*number).await;
        let saved = match read {
            Ok(reference) => crowd.save(work, reference)?,
            Err(failure) => Err(failure.clone()),
        };
        match saved {
            Ok(saved) => {
                outcome.done += 1;
                if async_action::has_report(kind) {
                    outcome.file.push(report_line(record, saved.was_found, true));
                }
            }
            Err(failure) => tell_failure(&mut outcome, kind, *number, record, &failure),
        }
    }
    crowd.write(work).await?;
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
    Ok(CustomerReference { id: None, source_id: record.person.source_id.clone(), patch })
}

/// The line of a record in the report, of which the vendor publishes what its columns tell: the source id, whether there was
/// such a customer, and whether it was updated or created.
pub(super) fn report_line(record: &Record, found: bool, updated: bool) -> ResultLine {
    let source_id = record.person.source_id.clone().unwrap_or_default();
    ResultLine {
        text: csv::line(&[&source_id, if found { "true" } else { "false" }, if updated { "true" } else { "false" }]),
        source_id: Some(source_id),
        ..ResultLine::default()
    }
}
