//! `CUSTOMERS.IMPORT_CSV`.

use std::sync::Arc;

use super::bulk::save_each;
use crate::domain::customer_csv::Columns;
use crate::domain::job::{Failure, Job, Slice, SliceOutcome};
use crate::service::{Error, Work};

/// Applies a slice: its records are rows, and the job's parameters their columns.
pub(super) async fn apply(work: &mut Work<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let columns = job.parameters.as_ref().and_then(Columns::of_stored);
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
