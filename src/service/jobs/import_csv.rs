//! `CUSTOMERS.IMPORT_CSV`.

use std::sync::Arc;

use super::bulk::save_each;
use crate::domain::customer_csv::Columns;
use crate::domain::job::{Failure, Job, Slice, SliceOutcome};
use crate::service::Error;
use crate::service::write::UnitOfWork;

/// Applies a slice. Its records are the rows of the file, and the parameters of the job are the columns.
pub(super) async fn apply(work: &mut UnitOfWork<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let columns = job.parameters.as_ref().and_then(Columns::from_stored);
    let rules = Arc::clone(&work.rules);
    let rows = columns.as_ref().map(|columns| {
        let definitions = columns.definitions(|key| rules.definition("customer", key));
        (columns, definitions)
    });
    let read = |record: &_| match &rows {
        Some((columns, definitions)) => columns.reference(record, definitions),
        None => Err(Failure::internal()),
    };
    save_each(work, job.kind, slice, read).await
}
