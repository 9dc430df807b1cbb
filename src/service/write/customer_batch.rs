//! Creates and changes customers: one for a request, many for a slice of a job.

use std::mem;

use super::customer::{apply_patch, new_from};
use super::lookups::Lookups;
use super::members::{Identified, Members};
use super::new_customer::new_customer;
use super::unit_of_work::UnitOfWork;
use crate::db;
use crate::db::customers::NewCustomer;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference, IndexedFields};
use crate::domain::identifier::{Identifier, Lookup};
use crate::service::{Error, Resource};

/// Customers to create and to change: the existing ones, locked, with the changes so far, and the new ones. They are
/// saved in memory, and written by [`CustomerBatch::write`]. For a job, the number of statements does not depend on the
/// number of customers.
#[derive(Default)]
pub struct CustomerBatch {
    members: Members<Member>,
}

#[derive(Clone)]
struct Member {
    customer: Customer,
    pending: Pending,
}

/// What has to be written of a customer.
#[derive(Clone, Default)]
enum Pending {
    #[default]
    Nothing,
    /// The customer is new, and its creation is not recorded.
    Insertion(IndexedFields),
    /// The customer is new, and is inserted together with its activity entries and its segment memberships.
    InsertionWithEntries(Box<NewCustomer>),
    /// The customer has changed.
    Update(IndexedFields),
}

impl Identified for Member {
    fn id(&self) -> &str {
        &self.customer.id
    }

    fn source_id(&self) -> Option<&str> {
        self.customer.source_id.as_deref()
    }
}

/// A customer that was saved in the batch.
pub struct SavedCustomer {
    /// The index of the customer in the batch.
    pub index: usize,
    change: Change,
}

/// What [`CustomerBatch::save`] has changed, for [`CustomerBatch::undo`].
enum Change {
    Nothing,
    Created,
    /// The customer existed, and this is its state before.
    Changed(Box<Member>),
}

impl SavedCustomer {
    /// Returns whether the customer existed before.
    pub fn existed(&self) -> bool {
        !matches!(self.change, Change::Created)
    }
}

/// Locks and returns the customer with that identifier.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn lock_customer(work: &mut UnitOfWork<'_>, identifier: &Identifier) -> Result<Customer, Error> {
    let project = work.project();
    db::customers::lock(work.connection(), project, identifier)
        .await?
        .ok_or_else(|| Error::not_found(Resource::Customer, identifier.as_str()))
}

impl CustomerBatch {
    /// Locks the existing customers of `references` and with `ids`. Softly deleted customers are left out. Every
    /// transaction locks customers in the same order, so that two of them never deadlock.
    pub async fn lock(
        work: &mut UnitOfWork<'_>,
        references: &[&CustomerReference],
        ids: Vec<String>,
    ) -> Result<Self, Error> {
        let lookups = Lookups::new(references.iter().filter_map(|reference| reference.lookup()), ids);
        let project = work.project();
        // The statements for a single customer have a simpler plan.
        let locked = match (&lookups.ids[..], &lookups.source_ids[..]) {
            ([], []) => Vec::new(),
            ([id], []) => Vec::from_iter(db::customers::lock_by_id(work.connection(), project, id).await?),
            ([], [source_id]) => {
                Vec::from_iter(db::customers::lock_by_source_id(work.connection(), project, source_id).await?)
            }
            (ids, source_ids) => db::customers::lock_all(work.connection(), project, ids, source_ids).await?,
        };
        let mut batch = Self::default();
        for customer in locked {
            batch.add_locked(customer);
        }
        Ok(batch)
    }

    /// Adds a locked customer, and returns its index.
    pub fn add_locked(&mut self, customer: Customer) -> usize {
        self.members.add(Member { customer, pending: Pending::Nothing })
    }

    /// Returns the customer at `index`.
    pub fn get(&self, index: usize) -> &Customer {
        &self.members[index].customer
    }

    /// Returns the customer at `index`.
    pub fn into_customer(self, index: usize) -> Customer {
        self.members.into_member(index).customer
    }

    /// Returns the customer of the reference, if it is in the batch.
    pub fn get_by_reference(&self, reference: &CustomerReference) -> Option<&Customer> {
        reference.lookup().and_then(|lookup| self.members.find(lookup)).map(|index| self.get(index))
    }

    /// Returns the customer with that id, if it is in the batch.
    pub fn get_by_id(&self, id: &str) -> Option<&Customer> {
        self.members.find(Lookup::Id(id)).map(|index| self.get(index))
    }

    /// Returns the index of the existing customer of the reference, or `None` where the reference describes a new one.
    fn find(&self, reference: &CustomerReference) -> Result<Option<usize>, Error> {
        self.members.find_existing(reference.lookup(), Resource::Customer)
    }

    /// Does the same as [`CustomerBatch::save`], but a reference without a patch to an existing customer changes
    /// nothing. Orders, events and jobs use this.
    pub async fn resolve(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &CustomerReference,
    ) -> Result<SavedCustomer, Error> {
        match self.find(reference)? {
            Some(index) if reference.patch.is_empty() => Ok(SavedCustomer { index, change: Change::Nothing }),
            _ => self.save(work, reference).await,
        }
    }

    /// Creates or changes the customer of the reference in memory, and records that. After an error nothing has changed.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] for an unknown `id`, [`Error::InvalidMetadata`] when the metadata violates its schema,
    /// and [`Error::Invalid`] when the merged metadata is too large.
    pub async fn save(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &CustomerReference,
    ) -> Result<SavedCustomer, Error> {
        match self.find(reference)? {
            Some(index) => self.change(work, index, reference.patch.clone()).await,
            None => self.create(work, reference).await,
        }
    }

    /// Creates the customer of the reference in memory, and records that.
    async fn create(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &CustomerReference,
    ) -> Result<SavedCustomer, Error> {
        let (caller, recording, now) = (work.caller, work.recording, work.next_row_time());
        let (ids, rules) = (&mut work.ids, &work.rules);
        let member = if recording.includes_changes() {
            let new = new_customer(ids, caller, rules, reference, recording, now).await?;
            Member { customer: new.customer.clone(), pending: Pending::InsertionWithEntries(Box::new(new)) }
        } else {
            let (customer, indexed_fields) = new_from(ids, rules, reference, now)?;
            Member { customer, pending: Pending::Insertion(indexed_fields) }
        };
        Ok(SavedCustomer { index: self.members.add(member), change: Change::Created })
    }

    /// Applies a patch to the customer at `index` in memory, and records that.
    ///
    /// # Errors
    /// Returns [`Error::InvalidMetadata`] when the metadata violates its schema, and [`Error::Invalid`] when the merged
    /// metadata is too large. Then nothing has changed.
    pub async fn change(
        &mut self,
        work: &mut UnitOfWork<'_>,
        index: usize,
        patch: CustomerPatch,
    ) -> Result<SavedCustomer, Error> {
        if matches!(self.members[index].pending, Pending::InsertionWithEntries(_)) {
            // Insert the customer first, because its creation is recorded, and this change is an update of its own.
            self.write(work).await?;
        }
        let mut customer = self.get(index).clone();
        let now = work.next_row_time();
        let indexed_fields = apply_patch(&work.rules, &mut customer, patch, now)?;
        let pending = if matches!(self.members[index].pending, Pending::Insertion(_)) {
            // The customer is created and changed in one step, which is not an update.
            customer.updated_at = None;
            Pending::Insertion(indexed_fields)
        } else {
            work.record_customer(&customer, ActivityType::CustomerUpdated);
            Pending::Update(indexed_fields)
        };
        let before = mem::replace(&mut self.members[index], Member { customer, pending });
        Ok(SavedCustomer { index, change: Change::Changed(Box::new(before)) })
    }

    /// Undoes the last save that was not undone: the record of the job that it belongs to fails as a whole. A request
    /// fails with its transaction instead.
    pub fn undo(&mut self, saved: SavedCustomer) {
        match saved.change {
            Change::Nothing => {}
            Change::Created => self.members.remove_last(),
            Change::Changed(before) => self.members[saved.index] = *before,
        }
    }

    /// Writes the new and the changed customers, and marks them as changed for the segments.
    ///
    /// # Errors
    /// Returns [`Error::LostRace`] when a concurrent transaction has created one of the new customers, or has changed the
    /// rules. The next attempt sees that.
    pub async fn write(&mut self, work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        for member in self.members.iter_mut() {
            if let Pending::InsertionWithEntries(new) = &mut member.pending {
                work.insert_customer(new).await?;
                member.pending = Pending::Nothing;
            }
        }
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for member in self.members.iter() {
            match &member.pending {
                Pending::Nothing | Pending::InsertionWithEntries(_) => {}
                Pending::Insertion(indexed_fields) => new.push((&member.customer, indexed_fields)),
                Pending::Update(indexed_fields) => changed.push((&member.customer, indexed_fields)),
            }
        }
        let project = work.project();
        if db::customers::insert_all(work.connection(), project, &new).await? < new.len() {
            return Err(Error::LostRace);
        }
        db::customers::update_all(work.connection(), project, &changed).await?;
        for (customer, _) in new.into_iter().chain(changed) {
            work.mark_changed(customer);
        }
        for member in self.members.iter_mut() {
            member.pending = Pending::Nothing;
        }
        Ok(())
    }

    /// Recomputes the order summary of each of these customers, after the orders were written.
    pub async fn refresh_orders(&mut self, work: &mut UnitOfWork<'_>, ids: &[&str]) -> Result<(), Error> {
        let project = work.project();
        for (id, orders) in db::customers::refresh_order_summaries(work.connection(), project, ids).await? {
            // A softly deleted customer is not in the batch, and is in no segment.
            if let Some(index) = self.members.find(Lookup::Id(&id)) {
                self.members[index].customer.orders = orders;
                work.mark_changed(self.get(index));
            }
        }
        Ok(())
    }
}
