//! `ORDERS.IMPORT`.

use serde::{Deserialize, Serialize};

use super::report::add_failure;
use super::yielding::yield_between_records;
use crate::domain::customer::CustomerReference;
use crate::domain::job::{CustomerIds, Failure, Job, Record, Slice, SliceOutcome};
use crate::domain::json::{JsonText, read_back};
use crate::domain::order::{OrderChange, OrderPatch, OrderReference};
use crate::service::Error;
use crate::service::write::{OrderBatch, SaveError, UnitOfWork};

/// One order of an import, as a job stores it. The SQL that erases a customer removes the member `referrer` by its
/// name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportedOrder {
    #[serde(flatten)]
    pub reference: OrderReference,
    pub order: OrderPatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<CustomerReference>,
}

impl ImportedOrder {
    /// Returns the order that a request describes. An import ignores a `created_at` in the request: the order is
    /// created when it is imported.
    #[must_use]
    pub fn new(reference: OrderReference, change: OrderChange) -> Self {
        let OrderChange { order, customer, referrer } = change;
        Self { reference, order: OrderPatch { created_at: None, ..order }, customer, referrer }
    }

    /// Returns the reference to the order and its change.
    fn into_parts(self) -> (OrderReference, OrderChange) {
        let Self { reference, order, customer, referrer } = self;
        (reference, OrderChange { order, customer, referrer })
    }

    /// Returns the record that a job stores for this order.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            json: JsonText::of(self).as_str().to_owned(),
            customer: CustomerIds::of(self.customer.as_ref()),
            referrer: CustomerIds::of(self.referrer.as_ref()),
        }
    }
}

/// Applies a slice.
pub(super) async fn apply(work: &mut UnitOfWork<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let mut records = Vec::with_capacity(slice.records.len());
    for (number, record) in (slice.number..).zip(&slice.records) {
        // The record is empty when its customer was erased after the job was accepted.
        let Some(record) = record else { continue };
        let read = read_back(&record.json).map(ImportedOrder::into_parts).map_err(|_| Failure::internal());
        records.push((number, record, read));
    }
    let (references, changes): (Vec<_>, Vec<_>) = records
        .iter()
        .filter_map(|(.., read)| read.as_ref().ok())
        .map(|(reference, change)| (reference, change))
        .unzip();
    let mut batch = OrderBatch::read(work, &references).await?;
    batch.lock(work, &changes).await?;
    let mut outcome = SliceOutcome::default();
    for (number, record, read) in &records {
        yield_between_records(*number).await;
        let (reference, change) = match read {
            Ok(parts) => parts,
            Err(failure) => {
                add_failure(&mut outcome, job.kind, *number, record, failure);
                continue;
            }
        };
        let Err(SaveError { error, is_of_referrer }) = batch.save(work, reference, change).await else {
            outcome.done += 1;
            continue;
        };
        add_failure(&mut outcome, job.kind, *number, record, &error.into_record_failure()?);
        if let Some(line) = outcome.failures.last_mut() {
            // Store the ids of both parties with the line, so that an erasure finds it. The failure text may quote the
            // party that caused it, so that one is stored with its source id, too.
            let (mut cause, mut other) = (change.customer.as_ref(), change.referrer.as_ref());
            if is_of_referrer {
                std::mem::swap(&mut cause, &mut other);
            }
            let id = |party: Option<&CustomerReference>| Some(batch.parties().get_by_reference(party?)?.id.clone());
            // A record without parties may change an order that has them.
            let known = batch.get_by_reference(reference);
            line.customer_id = id(cause).or_else(|| known?.customer_id.clone());
            line.source_id = cause.and_then(|party| party.source_id.clone());
            line.referrer_id = id(other).or_else(|| known?.referrer_id.clone());
        }
    }
    batch.write(work).await?;
    Ok(outcome)
}
