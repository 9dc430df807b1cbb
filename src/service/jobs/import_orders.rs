//! `ORDERS.IMPORT`.

use serde::{Deserialize, Serialize};

use super::customer_batch::CustomerBatch;
use super::order_batch::OrderBatch;
use super::report::add_failure;
use super::yielding::yield_between_records;
use crate::domain::customer::CustomerReference;
use crate::domain::job::{CustomerIds, Failure, Job, Record, Slice, SliceOutcome};
use crate::domain::json::{JsonText, read_back};
use crate::domain::order::{OrderChange, OrderPatch, OrderReference};
use crate::service::Error;
use crate::service::write::UnitOfWork;

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

/// Applies a slice. Every transaction locks customers before orders. So this reads the orders, locks their customers
/// and referrers, locks the orders, and fails with a lost race when those are no longer the parties of the orders.
pub(super) async fn apply(work: &mut UnitOfWork<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let mut records = Vec::with_capacity(slice.records.len());
    for (number, record) in (slice.number..).zip(&slice.records) {
        // The record is empty when its customer was erased after the job was accepted.
        let Some(record) = record else { continue };
        records.push((number, record, read_back(&record.json).map_err(|_| Failure::internal())));
    }
    let orders: Vec<&ImportedOrder> = records.iter().filter_map(|(.., read)| read.as_ref().ok()).collect();
    let references: Vec<_> = orders.iter().map(|order| &order.reference).collect();
    let parties: Vec<_> = orders.iter().flat_map(|order| order.customer.iter().chain(&order.referrer)).collect();
    let mut order_batch = OrderBatch::read(work, &references).await?;
    let mut customer_batch = CustomerBatch::lock(work, parties.into_iter(), order_batch.party_ids()).await?;
    order_batch.lock(work).await?;
    let mut outcome = SliceOutcome::default();
    for (number, record, read) in &records {
        yield_between_records(*number).await;
        let result = match read {
            Ok(order) => import(work, &mut order_batch, &mut customer_batch, order)?,
            Err(failure) => Err(ImportFailure { failure: failure.clone(), is_of_referrer: false }),
        };
        let Err(ImportFailure { failure, is_of_referrer }) = result else {
            outcome.done += 1;
            continue;
        };
        add_failure(&mut outcome, job.kind, *number, record, &failure);
        if let (Some(line), Ok(order)) = (outcome.failures.last_mut(), read) {
            // Store the ids of both parties with the line, so that an erasure finds it. The failure text may quote the
            // party that caused it, so that one is stored with its source id, too.
            let (mut cause, mut other) = (order.customer.as_ref(), order.referrer.as_ref());
            if is_of_referrer {
                std::mem::swap(&mut cause, &mut other);
            }
            let id = |party: Option<&CustomerReference>| customer_batch.id_of(party?).map(str::to_owned);
            // A record without parties may change an order that has them.
            let known = order_batch.find(&order.reference);
            line.customer_id = id(cause).or_else(|| known?.customer_id.clone());
            line.source_id = cause.and_then(|party| party.source_id.clone());
            line.referrer_id = id(other).or_else(|| known?.referrer_id.clone());
        }
    }
    customer_batch.write(work).await?;
    order_batch.write(work).await?;
    customer_batch.refresh_orders(work, &order_batch.customers_to_refresh()).await?;
    Ok(outcome)
}

/// Why an order was not imported.
struct ImportFailure {
    failure: Failure,
    /// Whether the referrer is the cause.
    is_of_referrer: bool,
}

/// Puts one order with its customer and its referrer into the batches. When one of them fails, the batches stay
/// unchanged.
fn import(
    work: &mut UnitOfWork<'_>,
    orders: &mut OrderBatch,
    customers: &mut CustomerBatch,
    imported: &ImportedOrder,
) -> Result<Result<(), ImportFailure>, Error> {
    let failed = |failure, is_of_referrer| Ok(Err(ImportFailure { failure, is_of_referrer }));
    let mut draft = match orders.draft(work, &imported.reference, &imported.order) {
        Ok(draft) => draft,
        Err(error) => return failed(error.into_record_failure()?, false),
    };
    let customer_with_referrer = imported.customer.as_ref().filter(|_| imported.referrer.is_some());
    let before = customer_with_referrer.map(|customer| customers.state_before_save(customer));
    if let Some(customer) = &imported.customer {
        match customers.save(work, customer)? {
            Ok(saved) => draft.order.customer_id = Some(customers.id_at(saved.index).to_owned()),
            Err(failure) => return failed(failure, false),
        }
    }
    if let Some(referrer) = &imported.referrer {
        match customers.save(work, referrer)? {
            Ok(saved) => draft.order.referrer_id = Some(customers.id_at(saved.index).to_owned()),
            Err(failure) => {
                if let Some(before) = before {
                    customers.undo_save(before);
                }
                return failed(failure, true);
            }
        }
    }
    orders.put(draft);
    Ok(Ok(()))
}
