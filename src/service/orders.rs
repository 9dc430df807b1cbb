//! Creating and changing orders, and updating the order summary of their customers.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::retry::retry;
use super::write::{Recording, UnitOfWork};
use super::{Caller, Core, Error, Resource, customers};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::domain::metadata_schema::Write;
use crate::domain::order::{
    Order, OrderChange, OrderPatch, OrderReference, OrderStatus, activity_of_creation, activity_of_update,
};
use crate::domain::rules::Rules;
use crate::objects::{customer, order, rendered};

/// Creates an order, or updates it when its `id` or `source_id` is known.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn save(
    core: &Core,
    caller: &Caller,
    reference: &OrderReference,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
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

/// Changes an existing order.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let known = db::orders::find(work.connection(), caller.project, identifier)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Order, identifier.as_str()))?;
        let saved = update_known(&mut work, &known, change).await?;
        work.commit().await?;
        Ok(saved)
    })
    .await
}

async fn create(work: &mut UnitOfWork<'_>, reference: &OrderReference, change: &OrderChange) -> Result<Order, Error> {
    let mut parties = OrderParties::lock(work, change, None).await?;
    let now = work.now;
    parties.resolve(work, change).await?;
    let new = new_from(work.core, &work.rules, reference.source_id.as_ref(), &change.order, now)?;
    let created = Order {
        customer_id: parties.customer.as_ref().map(|customer| customer.id.clone()),
        referrer_id: parties.referrer.as_ref().map(|referrer| referrer.id.clone()),
        ..new
    };
    let project = work.project();
    db::orders::insert(work.connection(), project, &created).await?;
    if created.status.counts_in_summary() {
        parties.refresh_orders(work, [created.customer_id.as_ref(), None]).await?;
    }
    record_activity(work, &activity_of_creation(&created), &created, &parties);
    Ok(created)
}

/// Changes `seen`, an order that was read without a lock. Every transaction locks customers before orders. So this
/// locks the customer and the referrer first, then the order, and fails with a lost race when they are no longer its
/// parties.
async fn update_known(work: &mut UnitOfWork<'_>, seen: &Order, change: &OrderChange) -> Result<Order, Error> {
    let mut parties = OrderParties::lock(work, change, Some(seen)).await?;
    let (project, now) = (work.project(), work.now);
    let known = db::orders::lock(work.connection(), project, &seen.id).await?;
    let Some(known) =
        known.filter(|known| (&known.customer_id, &known.referrer_id) == (&seen.customer_id, &seen.referrer_id))
    else {
        return Err(Error::LostRace);
    };
    parties.resolve(work, change).await?;
    let mut changed = apply_patch(&work.rules, known.clone(), &change.order, now)?;
    if change.customer.is_some() {
        changed.customer_id = parties.customer.as_ref().map(|customer| customer.id.clone());
    }
    if change.referrer.is_some() {
        changed.referrer_id = parties.referrer.as_ref().map(|referrer| referrer.id.clone());
    }
    db::orders::update(work.connection(), project, &changed).await?;
    if known.status.counts_in_summary() || changed.status.counts_in_summary() {
        parties.refresh_orders(work, [known.customer_id.as_ref(), changed.customer_id.as_ref()]).await?;
    }
    record_activity(work, &activity_of_update(&changed, known.status), &changed, &parties);
    Ok(changed)
}

/// Builds a new order from a patch, without a customer and a referrer.
pub(super) fn new_from(
    core: &Core,
    rules: &Rules,
    source_id: Option<&String>,
    patch: &OrderPatch,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Creation)?;
    let mut order = Order {
        id: core.ids.time_ordered("ord_", now),
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
    patch.clone().apply(&mut order);
    customers::check_metadata_size(order.metadata.as_ref())?;
    Ok(order)
}

/// Returns an order after a patch. Its customer and its referrer stay.
pub(super) fn apply_patch(
    rules: &Rules,
    mut order: Order,
    patch: &OrderPatch,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Change)?;
    patch.clone().apply(&mut order);
    if !patch.metadata.is_absent() {
        customers::check_metadata_size(order.metadata.as_ref())?;
    }
    order.updated_at = Some(now);
    Ok(order)
}

/// Checks the metadata of an order and of its items against their schemas. Requests always contain items as a whole, so
/// theirs is checked as at a creation.
fn check_metadata(rules: &Rules, sent: &OrderPatch, write: Write) -> Result<(), Error> {
    rules.check_metadata("order", sent.metadata.as_value(), write).map_err(Error::invalid_metadata)?;
    for item in sent.items.iter().flatten() {
        let metadata = item.tail.get("metadata").and_then(Value::as_object);
        rules.check_metadata("order_item", metadata, Write::Creation).map_err(Error::invalid_metadata)?;
    }
    Ok(())
}

/// The customer and the referrer of an order, locked.
struct OrderParties {
    /// All existing customers of the order and of the request.
    locked: Vec<Customer>,
    customer: Option<Customer>,
    referrer: Option<Customer>,
}

impl OrderParties {
    /// Locks the customers of the request and of the order. Softly deleted customers are left out, because no activity
    /// of theirs is recorded any more.
    async fn lock(work: &mut UnitOfWork<'_>, change: &OrderChange, order: Option<&Order>) -> Result<Self, Error> {
        let references: Vec<_> = [&change.customer, &change.referrer].into_iter().flatten().collect();
        let ids = order.map(|order| [order.customer_id.clone(), order.referrer_id.clone()]);
        let ids = ids.into_iter().flatten().flatten().collect();
        let locked = customers::lock_all(work, &references, ids).await?;
        let find = |id: Option<&String>| locked.iter().find(|customer| Some(&customer.id) == id).cloned();
        let customer = find(order.and_then(|order| order.customer_id.as_ref()));
        let referrer = find(order.and_then(|order| order.referrer_id.as_ref()));
        Ok(Self { locked, customer, referrer })
    }

    /// Replaces the parties by those of the request, which are created or changed as it specifies.
    async fn resolve(&mut self, work: &mut UnitOfWork<'_>, change: &OrderChange) -> Result<(), Error> {
        for (reference, party) in [(&change.customer, &mut self.customer), (&change.referrer, &mut self.referrer)] {
            if let Some(reference) = reference {
                *party = Some(customers::resolve_locked(work, &mut self.locked, reference).await?);
            }
        }
        Ok(())
    }

    /// Recomputes the order summary of these customers.
    async fn refresh_orders(&mut self, work: &mut UnitOfWork<'_>, ids: [Option<&String>; 2]) -> Result<(), Error> {
        let mut ids: Vec<_> = ids.into_iter().flatten().collect();
        ids.dedup();
        for id in ids {
            let project = work.project();
            let orders = db::customers::refresh_order_summary(work.connection(), project, id).await?;
            if let Some(customer) = self.locked.iter_mut().find(|customer| customer.id == *id) {
                customer.orders = orders;
                work.mark_changed(customer);
            }
        }
        Ok(())
    }
}

/// Records a change of an order in the activity of its customer. The referrer is not part of the payload.
fn record_activity(work: &mut UnitOfWork<'_>, kinds: &[ActivityType], of: &Order, parties: &OrderParties) {
    let Some(customer) = &parties.customer else { return };
    let payload = rendered(|out| order::write_payload(out, of, customer));
    let referrer = parties
        .referrer
        .as_ref()
        .map(|referrer| (referrer.id.clone(), rendered(|out| customer::write_simple_in_event(out, referrer))));
    for &kind in kinds {
        work.record_activity_with_referrer(&customer.id, kind, payload.clone(), referrer.clone());
    }
}
