//! The lines of a job's report, and its list of failures.

use serde::Deserialize;

use crate::domain::job::{Failure, JobType, Record, ResultLine, SliceOutcome};
use crate::domain::json::read_back;
use crate::objects::{async_action, csv};
use crate::service::Error;

/// Separates the failure of a record from an error that stops the slice.
///
/// # Errors
/// Returns the error when the record did not cause it.
pub(super) fn record_result<T>(result: Result<T, Error>) -> Result<Result<T, Failure>, Error> {
    result.map(Ok).or_else(|error| error.into_record_failure().map(Err))
}

/// Returns the report line of a record. Its columns are those that the vendor documents: the source id, whether the
/// customer existed, and whether it was created or updated.
pub(super) fn report_line(record: &Record, found: bool, updated: bool) -> ResultLine {
    let source_id = record.customer.source_id.clone().unwrap_or_default();
    ResultLine {
        text: csv::line(&[&source_id, if found { "true" } else { "false" }, if updated { "true" } else { "false" }]),
        source_id: Some(source_id),
        ..ResultLine::default()
    }
}

/// Adds a record that was not applied to the outcome, in the vendor's form for the type of the job.
pub(super) fn add_failure(outcome: &mut SliceOutcome, kind: JobType, number: i64, record: &Record, failure: &Failure) {
    outcome.failed += 1;
    let of_order = (kind == JobType::OrdersImport).then(|| order_source_id(record));
    let source_id = of_order.unwrap_or_else(|| record.customer.source_id.clone());
    outcome.failures.push(ResultLine {
        text: async_action::failure(kind, number, source_id.as_deref(), failure).as_str().to_owned(),
        customer_id: record.customer.id.clone(),
        source_id: record.customer.source_id.clone(),
        referrer_id: record.referrer.id.clone(),
    });
    if async_action::has_report(kind) {
        outcome.file.push(report_line(record, false, false));
    }
}

/// Returns the source id of the order in a record of an order import.
fn order_source_id(record: &Record) -> Option<String> {
    #[derive(Deserialize)]
    struct OrderIds {
        source_id: Option<String>,
    }
    read_back::<OrderIds>(&record.json).ok()?.source_id
}
