//! Async actions: the object, and what its result tells of records that failed.

use super::{ObjectWriter, rendered};
use crate::domain::job::{Failure, Job, JobStatus, JobType};
use crate::domain::json::JsonText;

/// An async action on its own: with its result, of which `failures` are the records that failed, and `report_url` is where
/// its report can be downloaded.
pub fn write(out: &mut Vec<u8>, job: &Job, failures: &[String], report_url: &str) {
    let mut object = ObjectWriter::new(out);
    head(&mut object, job);
    if has_report(job.kind) && job.status == JobStatus::Done {
        // What is published knows a success and a failure; of records that failed, the counts tell.
        let is_failure = job.done_count == 0 && job.failed_count > 0;
        object.raw("operation_status", if is_failure { "\"FAILED\"" } else { "\"SUCCESS\"" });
    } else if has_report(job.kind) && job.status == JobStatus::Failed {
        object.raw("operation_status", "\"FAILED\"");
    }
    if job.status == JobStatus::Done {
        object.with("result", |out| write_result(out, job, failures, report_url));
    } else {
        object.raw("result", "null");
    }
    tail(&mut object, job);
    object.number("processing_time", (job.updated_at - job.created_at).num_milliseconds());
    object.raw("object", "\"async_action\"").end();
}

/// An async action as a row of a list, which has no result.
pub fn write_listed(out: &mut Vec<u8>, job: &Job) {
    let mut object = ObjectWriter::new(out);
    head(&mut object, job);
    tail(&mut object, job);
    object.raw("object", "\"async_action\"").end();
}

fn head(object: &mut ObjectWriter<'_>, job: &Job) {
    let status = match job.status {
        JobStatus::Waiting => "ENQUEUED",
        JobStatus::InProgress => "IN_PROGRESS",
        JobStatus::Done => "DONE",
        JobStatus::Failed => "FAILED",
    };
    object.text("id", &job.id).text("type", job.kind.as_str()).text("status", status);
}

fn tail(object: &mut ObjectWriter<'_>, job: &Job) {
    object
        .time("created_at", job.created_at)
        .time("updated_at", job.updated_at)
        .text("request_id", &job.request_id)
        .number("progress", job.progress());
}

/// Whether the result of that type has a report to download.
#[must_use]
pub fn has_report(kind: JobType) -> bool {
    matches!(kind, JobType::CustomersBulkUpdate | JobType::CustomersMetadataUpdate)
}

fn write_result(out: &mut Vec<u8>, job: &Job, failures: &[String], report_url: &str) {
    let (done, failed) = (job.done_count, job.failed_count);
    let push = |out: &mut Vec<u8>, failure: &String| out.extend_from_slice(failure.as_bytes());
    let imported = |what: &str| format!("{done} {what}(s) imported successfully, {failed} failed.");
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
            let what = if job.kind == JobType::OrdersImport { "order" } else { "customer" };
            object.text("message", &imported(what)).array("failed", failures, push);
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

/// What the result tells of a record that failed: as an error in updates, as a reason in imports, where `number` is that of
/// the row and `source_id` that of the customer or, of an order, its own.
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
