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
        let now = core.clock.now();
        let saved = match lock_referenced(&mut transaction, caller, reference).await? {
            Some(known) => update_locked(core, caller, &mut transaction, known, change, now).await?,
            None => create(core, caller, &mut transaction, reference, change, now).await?,
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
        let known = db::orders::lock(&mut transaction, caller.project, identifier)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Order, identifier.as_str()))?;
        let saved = update_locked(core, caller, &mut transaction, known, change, core.clock.now()).await?;
        transaction.commit().await?;
        Ok(saved)
    })
    .await
}

async fn lock_referenced(
    connection: &mut PgConnection,
    caller: &Caller,
    reference: &OrderReference,
) -> Result<Option<Order>, Error> {
    let Some(identifier) = reference.id.clone().or_else(|| reference.source_id.clone()) else { return Ok(None) };
    let known = db::orders::lock(connection, caller.project, &Identifier::new(identifier)).await?;
    match (known, &reference.id) {
        (None, Some(id)) => Err(Error::not_found(Resource::Order, id.as_str())),
        (known, _) => Ok(known),
    }
}

async fn create(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    reference: &OrderReference,
    change: &OrderChange,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    let people = People::resolve(core, caller, connection, change, now).await?;
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

async fn update_locked(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    known: Order,
    change: &OrderChange,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    let mut people = People::resolve(core, caller, connection, change, now).await?;
    let mut changed = known.clone();
    change.order.clone().apply(&mut changed);
    if let Some(customer) = &people.customer {
        changed.customer_id = Some(customer.id.clone());
    }
    if let Some(referrer) = &people.referrer {
        changed.referrer_id = Some(referrer.id.clone());
    }
    changed.updated_at = Some(now);
    people.add_unnamed(connection, caller, &changed).await?;
    db::orders::update(connection, caller.project, &changed).await?;

    if known.status.counts() || changed.status.counts() {
        let mut concerned = vec![&known.customer_id, &changed.customer_id];
        // One order of locking for everyone, so that two moves of orders between two customers do not block each other.
        concerned.sort_unstable();
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

/// The customer and the referrer of an order, locked.
struct People {
    customer: Option<Customer>,
    referrer: Option<Customer>,
}

impl People {
    /// Those that the request names, created or changed as it says.
    async fn resolve(
        core: &Core,
        caller: &Caller,
        connection: &mut PgConnection,
        change: &OrderChange,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let mut people = Self { customer: None, referrer: None };
        for (reference, person) in [(&change.customer, &mut people.customer), (&change.referrer, &mut people.referrer)]
        {
            if let Some(reference) = reference {
                *person = Some(customers::resolve(core, caller, connection, reference, now).await?);
            }
        }
        Ok(people)
    }

    /// Those that the order has and the request does not name. A softly deleted one is left out: nothing is told of them
    /// any more.
    async fn add_unnamed(
        &mut self,
        connection: &mut PgConnection,
        caller: &Caller,
        order: &Order,
    ) -> Result<(), Error> {
        for (id, person) in [(&order.customer_id, &mut self.customer), (&order.referrer_id, &mut self.referrer)] {
            if let (Some(id), None) = (id, &person) {
                *person = db::customers::lock_by_id(connection, caller.project, id).await?;
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
