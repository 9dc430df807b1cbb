//! Creating and changing orders, and what that does to their customers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Caller, Core, Error, Resource, customers, retry};
use crate::db;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::{Customer, CustomerReference};
use crate::domain::identifier::Identifier;
use crate::domain::order::{Order, OrderPatch, OrderStatus, entries_of_creation, entries_of_update};
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

/// How the body of `POST /v1/orders` names the order.
#[derive(Clone, Debug, Default)]
pub struct OrderReference {
    /// The id of an order that must exist; wins over `source_id`.
    pub id: Option<String>,
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
        let mut transaction = core.pool.begin().await?;
        let known = match (&reference.id, &reference.source_id) {
            (Some(id), _) => db::orders::find_by_id(&mut transaction, caller.project, id).await?,
            (None, Some(source_id)) => {
                db::orders::find_by_source_id(&mut transaction, caller.project, source_id).await?
            }
            (None, None) => None,
        };
        let saved = match (known, &reference.id) {
            (Some(known), _) => update_known(core, caller, &mut transaction, &known, change).await?,
            (None, Some(id)) => return Err(Error::not_found(Resource::Order, id.as_str())),
            (None, None) => create(core, caller, &mut transaction, reference, change).await?,
        };
        transaction.commit().await?;
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
        let mut transaction = core.pool.begin().await?;
        let known = db::orders::find(&mut transaction, caller.project, identifier)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Order, identifier.as_str()))?;
        let saved = update_known(core, caller, &mut transaction, &known, change).await?;
        transaction.commit().await?;
        Ok(saved)
    })
    .await
}

async fn create(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    reference: &OrderReference,
    change: &OrderChange,
) -> Result<Order, Error> {
    let mut people = People::lock(connection, caller, change, None).await?;
    let now = core.clock.now();
    people.resolve(core, caller, connection, change, now).await?;
    let mut created = Order {
        id: core.ids.timed("ord_", now),
        source_id: reference.source_id.clone(),
        customer_id: people.customer.as_ref().map(|customer| customer.id.clone()),
        referrer_id: people.referrer.as_ref().map(|referrer| referrer.id.clone()),
        status: OrderStatus::default(),
        amount: 0,
        items: None,
        metadata: None,
        created_at: now,
        updated_at: None,
    };
    change.order.clone().apply(&mut created);
    customers::check_metadata(created.metadata.as_ref())?;
    db::orders::insert(connection, caller.project, &created).await?;
    if let Some(customer) = &people.customer {
        if created.status.counts() {
            db::customers::refresh_orders(connection, caller.project, &customer.id).await?;
        }
        let entries = entries(core, caller, &entries_of_creation(&created), &created, &people, now);
        db::activity::insert(connection, caller.project, &customer.id, &entries).await?;
    }
    Ok(created)
}

/// Changes `seen`, an order that was read without a lock. Customers are locked before orders, everywhere: so the people of
/// the order come first, and then it is looked whether it is still theirs.
async fn update_known(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    seen: &Order,
    change: &OrderChange,
) -> Result<Order, Error> {
    let mut people = People::lock(connection, caller, change, Some(seen)).await?;
    let known = db::orders::lock(connection, caller.project, &seen.id).await?;
    let Some(known) =
        known.filter(|known| (&known.customer_id, &known.referrer_id) == (&seen.customer_id, &seen.referrer_id))
    else {
        return Err(Error::LostRace);
    };
    let now = core.clock.now();
    people.resolve(core, caller, connection, change, now).await?;
    let mut changed = known.clone();
    change.order.clone().apply(&mut changed);
    if !change.order.metadata.is_absent() {
        customers::check_metadata(changed.metadata.as_ref())?;
    }
    if change.customer.is_some() {
        changed.customer_id = people.customer.as_ref().map(|customer| customer.id.clone());
    }
    if change.referrer.is_some() {
        changed.referrer_id = people.referrer.as_ref().map(|referrer| referrer.id.clone());
    }
    changed.updated_at = Some(now);
    db::orders::update(connection, caller.project, &changed).await?;

    if known.status.counts() || changed.status.counts() {
        let mut concerned = vec![&known.customer_id, &changed.customer_id];
        concerned.dedup();
        for id in concerned.into_iter().flatten() {
            db::customers::refresh_orders(connection, caller.project, id).await?;
        }
    }
    if let Some(customer) = &people.customer {
        let kinds = entries_of_update(&changed, known.status);
        let entries = entries(core, caller, &kinds, &changed, &people, now);
        db::activity::insert(connection, caller.project, &customer.id, &entries).await?;
    }
    Ok(changed)
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
    async fn lock(
        connection: &mut PgConnection,
        caller: &Caller,
        change: &OrderChange,
        order: Option<&Order>,
    ) -> Result<Self, Error> {
        let references: Vec<_> = [&change.customer, &change.referrer].into_iter().flatten().collect();
        let ids = order.map(|order| [order.customer_id.clone(), order.referrer_id.clone()]);
        let ids = ids.into_iter().flatten().flatten().collect();
        let locked = customers::lock_all(connection, caller, &references, ids).await?;
        let find = |id: Option<&String>| locked.iter().find(|customer| Some(&customer.id) == id).cloned();
        let customer = find(order.and_then(|order| order.customer_id.as_ref()));
        let referrer = find(order.and_then(|order| order.referrer_id.as_ref()));
        Ok(Self { locked, customer, referrer })
    }

    /// Takes those that the request names instead, created or changed as it says.
    async fn resolve(
        &mut self,
        core: &Core,
        caller: &Caller,
        connection: &mut PgConnection,
        change: &OrderChange,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        for (reference, person) in [(&change.customer, &mut self.customer), (&change.referrer, &mut self.referrer)] {
            if let Some(reference) = reference {
                let resolved =
                    customers::resolve_among(core, caller, connection, &mut self.locked, reference, now).await?;
                *person = Some(resolved);
            }
        }
        Ok(())
    }
}

/// The entries of one change of an order, each with the referrer apart from the payload.
fn entries(
    core: &Core,
    caller: &Caller,
    kinds: &[ActivityType],
    of: &Order,
    people: &People,
    now: DateTime<Utc>,
) -> Vec<ActivityEntry> {
    let Some(customer) = &people.customer else { return Vec::new() };
    let payload = rendered(|out| order::write_payload(out, of, customer));
    let referrer = people
        .referrer
        .as_ref()
        .map(|referrer| (referrer.id.clone(), rendered(|out| customer::write_simple_in_event(out, referrer))));
    kinds
        .iter()
        .map(|&kind| ActivityEntry { referrer: referrer.clone(), ..core.entry(caller, kind, payload.clone(), now) })
        .collect()
}
