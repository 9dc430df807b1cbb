//! Creates and changes orders with their customers and referrers: one for a request, many for a slice of a job.

use std::collections::BTreeSet;

use super::customer_batch::{CustomerBatch, SavedCustomer};
use super::lookups::Lookups;
use super::members::{Identified, Members};
use super::order::{apply_patch, new_from};
use super::unit_of_work::UnitOfWork;
use crate::db;
use crate::domain::customer::{Customer, CustomerReference};
use crate::domain::identifier::{Identifier, Lookup};
use crate::domain::order::{Order, OrderChange, OrderReference, activity_of_creation, activity_of_update};
use crate::service::{Error, Resource};

/// Orders to create and to change: the existing ones, locked, with the changes so far, and the new ones, with the customers
/// and the referrers of all of them. They are saved in memory, and written by [`OrderBatch::write`]. For a job, the number
/// of statements does not depend on the number of orders.
///
/// Every transaction locks customers before orders. So the orders are read first, then their parties are locked, and then
/// the orders.
#[derive(Default)]
pub struct OrderBatch {
    orders: Members<Member>,
    parties: CustomerBatch,
    /// The customers whose order summary must be recomputed.
    customers_to_refresh: BTreeSet<String>,
}

struct Member {
    order: Order,
    pending: Pending,
}

/// What has to be written of an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    Insertion,
    Update,
}

impl Identified for Member {
    fn id(&self) -> &str {
        &self.order.id
    }

    fn source_id(&self) -> Option<&str> {
        self.order.source_id.as_deref()
    }
}

/// Why an order was not saved.
#[derive(Debug)]
pub struct SaveError {
    pub error: Error,
    /// Whether the referrer is the cause.
    pub is_of_referrer: bool,
}

impl From<Error> for SaveError {
    fn from(error: Error) -> Self {
        Self { error, is_of_referrer: false }
    }
}

impl From<SaveError> for Error {
    fn from(failed: SaveError) -> Self {
        failed.error
    }
}

impl OrderBatch {
    /// Reads the existing orders of `references`, without a lock.
    pub async fn read(work: &mut UnitOfWork<'_>, references: &[&OrderReference]) -> Result<Self, Error> {
        let lookups = Lookups::new(references.iter().filter_map(|reference| reference.lookup()), Vec::new());
        let project = work.project();
        let found = db::orders::find_all(work.connection(), project, &lookups.ids, &lookups.source_ids).await?;
        Ok(Self::of(found))
    }

    /// Reads the existing order with that identifier, without a lock. Returns it with a reference to it.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] for an unknown identifier.
    pub async fn read_existing(
        work: &mut UnitOfWork<'_>,
        identifier: &Identifier,
    ) -> Result<(Self, OrderReference), Error> {
        let project = work.project();
        let found = db::orders::find(work.connection(), project, identifier)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Order, identifier.as_str()))?;
        let reference = OrderReference { id: Some(found.id.clone()), source_id: None };
        Ok((Self::of(vec![found]), reference))
    }

    fn of(orders: Vec<Order>) -> Self {
        let mut batch = Self::default();
        for order in orders {
            batch.orders.add(Member { order, pending: Pending::Nothing });
        }
        batch
    }

    /// Locks the customers and the referrers of `changes` and of the orders that were read, then these orders, and reads
    /// them again.
    ///
    /// # Errors
    /// Returns [`Error::LostRace`] when an order was deleted, or its customer or referrer has changed: the new one is
    /// not locked.
    pub async fn lock(&mut self, work: &mut UnitOfWork<'_>, changes: &[&OrderChange]) -> Result<(), Error> {
        let references: Vec<_> =
            changes.iter().flat_map(|change| change.customer.iter().chain(&change.referrer)).collect();
        let seen: Vec<_> = self.orders.iter().map(|member| &member.order).collect();
        let ids: Vec<_> = seen.iter().map(|order| order.id.clone()).collect();
        let parties =
            seen.iter().flat_map(|order| [&order.customer_id, &order.referrer_id]).flatten().cloned().collect();
        self.parties = CustomerBatch::lock(work, &references, parties).await?;
        let project = work.project();
        let locked = db::orders::lock_all(work.connection(), project, &ids).await?;
        if locked.len() < ids.len() {
            return Err(Error::LostRace);
        }
        for order in locked {
            let index = self.orders.find(Lookup::Id(&order.id)).ok_or(Error::LostRace)?;
            let seen = &mut self.orders[index].order;
            if (&order.customer_id, &order.referrer_id) != (&seen.customer_id, &seen.referrer_id) {
                return Err(Error::LostRace);
            }
            *seen = order;
        }
        Ok(())
    }

    /// Returns the order of the reference, if it is in the batch.
    pub fn get_by_reference(&self, reference: &OrderReference) -> Option<&Order> {
        reference.lookup().and_then(|lookup| self.orders.find(lookup)).map(|index| &self.orders[index].order)
    }

    /// Returns the order at `index`.
    pub fn into_order(self, index: usize) -> Order {
        self.orders.into_member(index).order
    }

    /// Returns the customers and the referrers.
    pub fn parties(&self) -> &CustomerBatch {
        &self.parties
    }

    /// Returns the index of the existing order of the reference, or `None` where the reference describes a new one.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] for an unknown `id`.
    pub fn find(&self, reference: &OrderReference) -> Result<Option<usize>, Error> {
        self.orders.find_existing(reference.lookup(), Resource::Order)
    }

    /// Creates or changes the order of the reference, its customer and its referrer in memory, records that, and returns
    /// the index of the order. After an error nothing has changed.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] for an unknown `id` of an order or a customer, [`Error::InvalidMetadata`] when metadata
    /// violates its schema, and [`Error::Invalid`] when merged metadata is too large.
    pub async fn save(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &OrderReference,
        change: &OrderChange,
    ) -> Result<usize, SaveError> {
        let mut saved_parties = Vec::new();
        let saved = self.try_save(work, reference, change, &mut saved_parties).await;
        if saved.is_err() {
            for party in saved_parties.into_iter().rev() {
                self.parties.undo(party);
            }
        }
        saved
    }

    /// Does the same as [`OrderBatch::save`], but after an error, `saved_parties` have changed.
    async fn try_save(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &OrderReference,
        change: &OrderChange,
        saved_parties: &mut Vec<SavedCustomer>,
    ) -> Result<usize, SaveError> {
        let known = self.find(reference)?;
        let now = work.next_row_time();
        let customer = self.save_party(work, change.customer.as_ref(), saved_parties).await?;
        let referrer = self
            .save_party(work, change.referrer.as_ref(), saved_parties)
            .await
            .map_err(|error| SaveError { error, is_of_referrer: true })?;
        let mut order = match known {
            Some(index) => apply_patch(&work.rules, self.orders[index].order.clone(), &change.order, now)?,
            None => new_from(&mut work.ids, &work.rules, reference.source_id.as_ref(), &change.order, now)?,
        };
        for (party, id) in [(&customer, &mut order.customer_id), (&referrer, &mut order.referrer_id)] {
            if let Some(party) = party {
                *id = Some(party.id.clone());
            }
        }
        self.record(work, known, &order, customer.as_ref(), referrer.as_ref());
        Ok(self.put(known, order))
    }

    /// Creates or changes the customer or the referrer of an order, and returns it.
    async fn save_party(
        &mut self,
        work: &mut UnitOfWork<'_>,
        party: Option<&CustomerReference>,
        saved_parties: &mut Vec<SavedCustomer>,
    ) -> Result<Option<Customer>, Error> {
        let Some(party) = party else { return Ok(None) };
        let saved = self.parties.resolve(work, party).await?;
        let customer = self.parties.get(saved.index).clone();
        saved_parties.push(saved);
        Ok(Some(customer))
    }

    /// Records that an order was created, or that the `known` one was changed. `customer` and `referrer` are those that
    /// were saved with it, in the state in which they were saved.
    fn record(
        &self,
        work: &mut UnitOfWork<'_>,
        known: Option<usize>,
        order: &Order,
        customer: Option<&Customer>,
        referrer: Option<&Customer>,
    ) {
        let customer = customer.or_else(|| self.parties.get_by_id(order.customer_id.as_ref()?));
        let referrer = referrer.or_else(|| self.parties.get_by_id(order.referrer_id.as_ref()?));
        // A softly deleted customer is not in the batch, because no activity of it is recorded any more.
        let Some(customer) = customer else { return };
        let kinds = match known {
            Some(index) => activity_of_update(order, self.orders[index].order.status),
            None => activity_of_creation(order),
        };
        work.record_order(order, &kinds, customer, referrer);
    }

    /// Puts an order into the batch, where later saves find it: in place of the `known` one, or as a new one. Returns its
    /// index.
    fn put(&mut self, known: Option<usize>, mut order: Order) -> usize {
        let before = known.map(|index| &self.orders[index].order);
        for order in before.into_iter().chain([&order]).filter(|order| order.status.counts_in_summary()) {
            self.customers_to_refresh.extend(order.customer_id.clone());
        }
        let Some(index) = known else { return self.orders.add(Member { order, pending: Pending::Insertion }) };
        let member = &mut self.orders[index];
        if member.pending == Pending::Insertion {
            // The order is created and changed in one step, which is not an update.
            order.updated_at = None;
        } else {
            member.pending = Pending::Update;
        }
        member.order = order;
        index
    }

    /// Writes the new and the changed customers and orders, and recomputes the order summaries.
    ///
    /// # Errors
    /// Returns [`Error::LostRace`] when a concurrent transaction has created one of the new customers or orders. The next
    /// attempt finds it.
    pub async fn write(&mut self, work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        self.parties.write(work).await?;
        let select = |pending: Pending| -> Vec<&Order> {
            self.orders.iter().filter(|member| member.pending == pending).map(|member| &member.order).collect()
        };
        let (new, changed) = (select(Pending::Insertion), select(Pending::Update));
        let project = work.project();
        if db::orders::insert_all(work.connection(), project, &new).await? < new.len() {
            return Err(Error::LostRace);
        }
        db::orders::update_all(work.connection(), project, &changed).await?;
        for member in self.orders.iter_mut() {
            member.pending = Pending::Nothing;
        }
        let customers: Vec<_> = self.customers_to_refresh.iter().map(String::as_str).collect();
        self.parties.refresh_orders(work, &customers).await
    }
}
