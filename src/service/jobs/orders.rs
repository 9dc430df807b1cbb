//! `ORDERS.IMPORT`.

use serde::{Deserialize, Serialize};

use super::customers::Crowd;
use super::ledger::Ledger;
use super::{let_others, tell_failure};
use crate::domain::customer::CustomerReference;
use crate::domain::job::{Failure, Job, PersonName, Record, Slice, SliceOutcome};
use crate::domain::json::{JsonText, read_back};
use crate::domain::order::OrderPatch;
use crate::service::orders::{OrderChange, OrderReference};
use crate::service::{Error, Work};

/// One order of an import. The database knows the member `referrer` by its name: who is forgotten is taken out of it.
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
    /// The order that a request describes. It is created when it is imported, whatever the request says.
    #[must_use]
    pub fn new(reference: OrderReference, change: OrderChange) -> Self {
        let OrderChange { order, customer, referrer } = change;
        Self { reference, order: OrderPatch { created_at: None, ..order }, customer, referrer }
    }

    /// The record that a job keeps of it.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            json: JsonText::of(self).as_str().to_owned(),
            person: PersonName::of(self.customer.as_ref()),
            referrer: PersonName::of(self.referrer.as_ref()),
        }
    }
}

/// Applies a slice. Customers are locked before orders, everywhere: so those of the orders come first, and then it is looked
/// whether the orders are still theirs.
pub(super) async fn apply(work: &mut Work<'_>, job: &Job, slice: &Slice) -> Result<SliceOutcome, Error> {
    let mut records = Vec::with_capacity(slice.records.len());
    for (number, record) in (slice.number..).zip(&slice.records) {
        // Forgotten since it was accepted.
        let Some(record) = record else { continue };
        records.push((number, record, read_back(&record.json).map_err(|_| Failure::internal())));
    }
    let orders: Vec<&ImportedOrder> = records.iter().filter_map(|(.., read)| read.as_ref().ok()).collect();
    let references: Vec<_> = orders.iter().map(|order| &order.reference).collect();
    let people: Vec<_> = orders.iter().flat_map(|order| order.customer.iter().chain(&order.referrer)).collect();
    let mut ledger = Ledger::read(work, &references).await?;
    let mut crowd = Crowd::lock(work, people.into_iter(), ledger.people()).await?;
    ledger.lock(work).await?;
    let mut outcome = SliceOutcome::default();
    for (number, record, read) in &records {
        let_others(*number).await;
        let refused = match read {
            Ok(order) => import(work, &mut ledger, &mut crowd, order)?.err(),
            Err(failure) => Some(Refusal { failure: failure.clone(), is_of_referrer: false }),
        };
        let Some(Refusal { failure, is_of_referrer }) = refused else {
            outcome.done += 1;
            continue;
        };
        tell_failure(&mut outcome, job.kind, *number, record, &failure);
        if let (Some(line), Ok(order)) = (outcome.failures.last_mut(), read) {
            // Whom the reason may quote, by all names; and the other one, who had a part in the order.
            let (mut blamed, mut other) = (order.customer.as_ref(), order.referrer.as_ref());
            if is_of_referrer {
                std::mem::swap(&mut blamed, &mut other);
            }
            let id = |person: Option<&CustomerReference>| crowd.id_of(person?).map(str::to_owned);
            // An order that names nobody may have its people already.
            let known = ledger.known(&order.reference);
            line.customer_id = id(blamed).or_else(|| known?.customer_id.clone());
            line.source_id = blamed.and_then(|person| person.source_id.clone());
            line.referrer_id = id(other).or_else(|| known?.referrer_id.clone());
        }
    }
    crowd.write(work).await?;
    ledger.write(work).await?;
    crowd.refresh_orders(work, &ledger.customers_to_refresh()).await?;
    Ok(outcome)
}

/// Why an order was not imported.
struct Refusal {
    failure: Failure,
    is_of_referrer: bool,
}

/// Puts one order and its people into what is to be written; or, where any of them is refused, nothing of it.
fn import(
    work: &Work<'_>,
    ledger: &mut Ledger,
    crowd: &mut Crowd,
    imported: &ImportedOrder,
) -> Result<Result<(), Refusal>, Error> {
    let refused = |failure, is_of_referrer| Ok(Err(Refusal { failure, is_of_referrer }));
    let mut draft = match ledger.draft(work, &imported.reference, &imported.order) {
        Ok(draft) => draft,
        Err(error) => return refused(error.of_record()?, false),
    };
    let before =
        imported.customer.as_ref().filter(|_| imported.referrer.is_some()).map(|customer| crowd.before(customer));
    if let Some(customer) = &imported.customer {
        match crowd.save(work, customer)? {
            Ok(saved) => draft.order.customer_id = Some(crowd.id_at(saved.place).to_owned()),
            Err(failure) => return refused(failure, false),
        }
    }
    if let Some(referrer) = &imported.referrer {
        match crowd.save(work, referrer)? {
            Ok(saved) => draft.order.referrer_id = Some(crowd.id_at(saved.place).to_owned()),
            Err(failure) => {
                if let Some(before) = before {
                    crowd.take_back(before);
                }
                return refused(failure, true);
            }
        }
    }
    ledger.put(draft);
    Ok(Ok(()))
}

/// The source id of the order that a record is of.
pub(super) fn source_id(record: &Record) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        source_id: Option<String>,
    }
    read_back::<Named>(&record.json).ok()?.source_id
}
