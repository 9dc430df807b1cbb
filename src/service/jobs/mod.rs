//! Work in the background. A request accepts a job by writing it; a worker brings it forward, slice by slice, each of which is
//! one transaction. One file per type of job.

mod acceptance;
mod bulk;
mod customers;
mod export;
mod import_csv;
mod ledger;
mod orders;
mod progress;
mod purge;
mod results;
mod turns;

use tokio::task::yield_now;

use crate::domain::job::{Failure, JobType, Record, ResultLine, SliceOutcome};
use crate::objects::async_action;

pub use acceptance::{Acceptance, JobRequest, accept};
pub use bulk::BulkRecord;
pub use export::{accept_export, delete_export, export};
pub use orders::ImportedOrder;
pub use progress::{Worked, work_on};
pub use purge::PurgeParameters;
pub use results::{async_action, download, expire};
pub use turns::Turns;

/// Records that are gone through before other work has its turn on the thread.
const RECORDS_AT_A_TIME: i64 = 20;

/// Lets other work on the thread have its turn, before some of the records.
async fn let_others(number: i64) {
    if number % RECORDS_AT_A_TIME == 0 {
        yield_now().await;
    }
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
