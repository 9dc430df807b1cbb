//! The async action object, and the failed records in its result.

use super::writer::{ObjectWriter, rendered};
use crate::domain::job::{Failure, Job, JobStatus, JobType};
use crate::domain::json::JsonText;

/// Writes an async action with its result. `failures` are the failed records as JSON; the report can be downloaded from
/// `report_url`.
pub fn write(out: &mut Vec<u8>, job: &Job, failures: &[String], report_url: &str) {
    let mut object = ObjectWriter::new(out);
    write_head(&mut object, job);
    if has_report(job.kind) && job.status == JobStatus::Done {
        // The vendor documents only these two values. Actions with some failed records report them in the counts.
        let is_failure = job.succeeded_count == 0 && job.failed_count > 0;
        object.raw("operation_status", if is_failure { "\"FAILED\"" } else { "\"SUCCESS\"" });
    } else if has_report(job.kind) && job.status == JobStatus::Failed {
        object.raw("operation_status", "\"FAILED\"");
    }
    if job.status == JobStatus::Done {
        object.with("result", |out| write_result(out, job, failures, report_url));
    } else {
        object.raw("result", "null");
    }
    write_tail(&mut object, job);
    object.number("processing_time", (job.updated_at - job.created_at).num_milliseconds());
    object.raw("object", "\"async_action\"").end();
}

/// Writes an async action as a row of a list, without its result.
pub fn write_listed(out: &mut Vec<u8>, job: &Job) {
    let mut object = ObjectWriter::new(out);
    write_head(&mut object, job);
    write_tail(&mut object, job);
    object.raw("object", "\"async_action\"").end();
}

fn write_head(object: &mut ObjectWriter<'_>, job: &Job) {
    let status = match job.status {
        JobStatus::Waiting => "ENQUEUED",
        JobStatus::InProgress => "IN_PROGRESS",
        JobStatus::Done => "DONE",
        JobStatus::Failed => "FAILED",
    };
    object.text("id", &job.id).text("type", job.kind.as_str()).text("status", status);
}

fn write_tail(object: &mut ObjectWriter<'_>, job: &Job) {
    object
        .time("created_at", job.created_at)
        .time("updated_at", job.updated_at)
        .text("request_id", &job.request_id)
        .number("progress", job.progress());
}

/// Returns whether results of this type have a report to download.
#[must_use]
pub fn has_report(kind: JobType) -> bool {
    matches!(kind, JobType::CustomersBulkUpdate | JobType::CustomersMetadataUpdate)
}

fn write_result(out: &mut Vec<u8>, job: &Job, failures: &[String], report_url: &str) {
    let (done, failed) = (job.succeeded_count, job.failed_count);
    let push = |out: &mut Vec<u8>, failure: &String| out.extend_from_slice(failure.as_bytes());
    let imported = |noun: &str| format!("{done} {noun}(s) imported successfully, {failed} failed.");
    let mut object = ObjectWriter::new(out);
    match job.kind {
        JobType::CustomersBulkUpdate | JobType::CustomersMetadataUpdate => {
            object.number("done_count", done).number("failed_count", failed);
            object.array("reports", [report_url], |out, url| {
                out.extend_from_slice(JsonText::of(&url).as_str().as_bytes());
            });
            object.optional_time("reports_available_till", job.expires_at).array("errors", failures, push);
        }
        JobType::CustomersImportCsv | JobType::OrdersImport => {
            let noun = if job.kind == JobType::OrdersImport { "order" } else { "customer" };
            object.text("message", &imported(noun)).array("failed", failures, push);
            object.number("done_count", done).number("failed_count", failed);
        }
        JobType::CustomersMetadataKeyPurge => {
            object.text("message", &format!("Updated {done} customers.")).number("done_count", done);
        }
        JobType::OrdersMetadataKeyPurge => {
            object.text("message", &format!("Updated {done} orders.")).number("done_count", done);
        }
        JobType::Export => {}
    }
    object.end();
}

/// Returns the JSON of a failed record: an error object for updates, a reason for imports. `number` is the number of
/// the row, and `source_id` that of the customer or, in imports of orders, of the order.
#[must_use]
pub fn failure(kind: JobType, number: i64, source_id: Option<&str>, failure: &Failure) -> JsonText {
    rendered(|out| {
        let mut object = ObjectWriter::new(out);
        match kind {
            JobType::CustomersImportCsv => {
                object.text("source_id", source_id.unwrap_or_default());
                object.number("row", number).text("reason", &failure.details);
            }
            JobType::OrdersImport => {
                object.nullable_text("source_id", source_id).text("reason", &failure.details);
            }
            _ => {
                object.text("message", failure.kind.message()).text("details", &failure.details);
                object.text("key", failure.kind.key()).text("source_id", source_id.unwrap_or_default());
            }
        }
        object.end();
    })
}
