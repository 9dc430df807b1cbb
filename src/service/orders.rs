//! Creating and changing orders, and what that does to their customers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Caller, Core, Error, Resource, Work, customers, retry};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{Customer, CustomerReference};
use crate::domain::identifier::Identifier;
use crate::domain::metadata_schema::Write;
use crate::domain::order::{Order, OrderPatch, OrderStatus, entries_of_creation, entries_of_update};
use crate::domain::rules::Rules;
use crate::objects::{customer, order, rendered};

/// What a request says about an order and the people of it.
#[derive(Clone, Debug, Default)]
pub struct OrderChange {
    pub order: OrderPatch,
    /// Whose order it is; `None` leaves it.
    pub customer: Option<CustomerReference>,
    /// Who brought the customer; `None` leaves it.
    pub referrer: Option<CustomerReference>,
}

/// How the body of `POST /v1/orders` names the order, and each order of an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderReference {
    /// The id of an order that must exist; wins over `source_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

/// Creates an order or, where its `id` or `source_id` is known, updates that one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn save(
    core: &Core,
    caller: &Caller,
    reference: &OrderReference,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
        let known = match (&reference.id, &reference.source_id) {
            (Some(id), _) => db::orders::find_by_id(work.connection(), caller.project, id).await?,
            (None, Some(source_id)) => {
                db::orders::find_by_source_id(work.connection(), caller.project, source_id).await?
            }
            (None, None) => None,
        };
        let saved = match (known, &reference.id) {
            (Some(known), _) => update_known(&mut work, &known, change).await?,
            (None, Some(id)) => return Err(Error::not_found(Resource::Order, id.as_str())),
            (None, None) => create(&mut work, reference, change).await?,
        };
        work.commit().await?;
        Ok(saved)
    })
    .await
}

/// Changes a known order.
///
/// # Errors
/// [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
        let known = db::orders::find(work.connection(), caller.project, identifier)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Order, identifier.as_str()))?;
        let saved = update_known(&mut work, &known, change).await?;
        work.commit().await?;
        Ok(saved)
    })
    .await
}

async fn create(work: &mut Work<'_>, reference: &OrderReference, change: &OrderChange) -> Result<Order, Error> {
    let mut people = People::lock(work, change, None).await?;
    let now = work.now;
    people.resolve(work, change).await?;
    let made = made_of(work.core, &work.rules, reference.source_id.as_ref(), &change.order, now)?;
    let created = Order {
        customer_id: people.customer.as_ref().map(|customer| customer.id.clone()),
        referrer_id: people.referrer.as_ref().map(|referrer| referrer.id.clone()),
        ..made
    };
    let project = work.project();
    db::orders::insert(work.connection(), project, &created).await?;
    if created.status.counts() {
        people.refresh_orders(work, [created.customer_id.as_ref(), None]).await?;
    }
    tell(work, &entries_of_creation(&created), &created, &people);
    Ok(created)
}

/// Changes `seen`, an order that was read without a lock. Customers are locked before orders, everywhere: so the people of
/// the order come first, and then it is looked whether it is still theirs.
async fn update_known(work: &mut Work<'_>, seen: &Order, change: &OrderChange) -> Result<Order, Error> {
    let mut people = People::lock(work, change, Some(seen)).await?;
    let (project, now) = (work.project(), work.now);
    let known = db::orders::lock(work.connection(), project, &seen.id).await?;
    let Some(known) =
        known.filter(|known| (&known.customer_id, &known.referrer_id) == (&seen.customer_id, &seen.referrer_id))
    else {
        return Err(Error::LostRace);
    };
    people.resolve(work, change).await?;
    let mut changed = patched(&work.rules, known.clone(), &change.order, now)?;
    if change.customer.is_some() {
        changed.customer_id = people.customer.as_ref().map(|customer| customer.id.clone());
    }
    if change.referrer.is_some() {
        changed.referrer_id = people.referrer.as_ref().map(|referrer| referrer.id.clone());
    }
    db::orders::update(work.connection(), project, &changed).await?;
    if known.status.counts() || changed.status.counts() {
        people.refresh_orders(work, [known.customer_id.as_ref(), changed.customer_id.as_ref()]).await?;
    }
    tell(work, &entries_of_update(&changed, known.status), &changed, &people);
    Ok(changed)
}

/// A new order, of nobody, as a patch says.
pub(super) fn made_of(
    core: &Core,
    rules: &Rules,
    source_id: Option<&String>,
    patch: &OrderPatch,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Creation)?;
    let mut made = Order {
        id: core.ids.timed("ord_", now),
        source_id: source_id.cloned(),
        customer_id: None,
        referrer_id: None,
        status: OrderStatus::default(),
        amount: 0,
        items: None,
        metadata: None,
        created_at: now,
        updated_at: None,
    };
    patch.clone().apply(&mut made);
    customers::check_size(made.metadata.as_ref())?;
    Ok(made)
}

/// An order as it is after a patch, whose people stay.
pub(super) fn patched(rules: &Rules, mut order: Order, patch: &OrderPatch, now: DateTime<Utc>) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Change)?;
    patch.clone().apply(&mut order);
    if !patch.metadata.is_absent() {
        customers::check_size(order.metadata.as_ref())?;
    }
    order.updated_at = Some(now);
    Ok(order)
}

/// That the metadata of an order and of its items, which are always sent whole, is what their schemas say.
fn check_metadata(rules: &Rules, sent: &OrderPatch, write: Write) -> Result<(), Error> {
    rules.check_metadata("order", sent.metadata.as_value(), write).map_err(Error::invalid_metadata)?;
    for item in sent.items.iter().flatten() {
        let metadata = item.tail.get("metadata").and_then(Value::as_object);
        rules.check_metadata("order_item", metadata, Write::Creation).map_err(Error::invalid_metadata)?;
    }
    Ok(())
}

/// The people of an order, locked.
struct People {
    /// Everyone whom the order or the request names and who lives.
    locked: Vec<Customer>,
    customer: Option<Customer>,
    referrer: Option<Customer>,
}

impl People {
    /// Locks those that the request names and those whom the order has. A softly deleted one is left out: nothing is told
    /// of them any more.
    async fn lock(work: &mut Work<'_>, change: &OrderChange, order: Option<&Order>) -> Result<Self, Error> {
        let references: Vec<_> = [&change.customer, &change.referrer].into_iter().flatten().collect();
        let ids = order.map(|order| [order.customer_id.clone(), order.referrer_id.clone()]);
        let ids = ids.into_iter().flatten().flatten().collect();
        let locked = customers::lock_all(work, &references, ids).await?;
        let find = |id: Option<&String>| locked.iter().find(|customer| Some(&customer.id) == id).cloned();
        let customer = find(order.and_then(|order| order.customer_id.as_ref()));
        let referrer = find(order.and_then(|order| order.referrer_id.as_ref()));
        Ok(Self { locked, customer, referrer })
    }

    /// Takes those that the request names instead, created or changed as it says.
    async fn resolve(&mut self, work: &mut Work<'_>, change: &OrderChange) -> Result<(), Error> {
        for (reference, person) in [(&change.customer, &mut self.customer), (&change.referrer, &mut self.referrer)] {
            if let Some(reference) = reference {
                *person = Some(customers::resolve_among(work, &mut self.locked, reference).await?);
            }
        }
        Ok(())
    }

    /// Sums up the orders of those customers anew.
    async fn refresh_orders(&mut self, work: &mut Work<'_>, ids: [Option<&String>; 2]) -> Result<(), Error> {
        let mut ids: Vec<_> = ids.into_iter().flatten().collect();
        ids.dedup();
        for id in ids {
            let project = work.project();
            let orders = db::customers::refresh_orders(work.connection(), project, id).await?;
            if let Some(customer) = self.locked.iter_mut().find(|customer| customer.id == *id) {
                customer.orders = orders;
                work.touch(customer);
            }
        }
        Ok(())
    }
}

/// Tells of a change of an order in its customer's activity, with the referrer apart from the payload.
fn tell(work: &mut Work<'_>, kinds: &[ActivityType], of: &Order, people: &People) {
    let Some(customer) = &people.customer else { return };
    let payload = rendered(|out| order::write_payload(out, of, customer));
    let referrer = people
        .referrer
        .as_ref()
        .map(|referrer| (referrer.id.clone(), rendered(|out| customer::write_simple_in_event(out, referrer))));
    for &kind in kinds {
        work.tell_with(&customer.id, kind, payload.clone(), referrer.clone());
    }
}
