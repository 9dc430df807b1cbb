//! Creates and changes the orders of a slice. The number of statements does not depend on the number of orders.

use std::collections::{BTreeSet, HashMap};

use crate::db;
use crate::domain::order::{Order, OrderPatch, OrderReference};
use crate::service::orders::{apply_patch, new_from};
use crate::service::write::UnitOfWork;
use crate::service::{Error, Resource};

/// The orders of the records of a slice: the existing ones with the changes so far, and the new ones. Nothing is
/// written before [`OrderBatch::write`].
#[derive(Default)]
pub(super) struct OrderBatch {
    members: Vec<Member>,
    by_id: HashMap<String, usize>,
    by_source_id: HashMap<String, usize>,
    /// The customers whose order summary must be recomputed.
    customers: BTreeSet<String>,
}

struct Member {
    order: Order,
    is_new: bool,
    is_changed: bool,
}

/// The order that a record results in, before it is put into the batch.
pub(super) struct Draft {
    pub order: Order,
    /// The index of the order that is changed; `None` for a new order.
    index: Option<usize>,
}

impl OrderBatch {
    /// Reads the existing orders of `references`, without a lock.
    pub async fn read(work: &mut UnitOfWork<'_>, references: &[&OrderReference]) -> Result<Self, Error> {
        let (mut ids, mut source_ids) = (Vec::new(), Vec::new());
        for reference in references {
            match (&reference.id, &reference.source_id) {
                (Some(id), _) => ids.push(id.clone()),
                (None, Some(source_id)) => source_ids.push(source_id.clone()),
                (None, None) => {}
            }
        }
        let mut batch = Self::default();
        if !ids.is_empty() || !source_ids.is_empty() {
            let project = work.project();
            for order in db::orders::find_all(work.connection(), project, &ids, &source_ids).await? {
                batch.add(Member { order, is_new: false, is_changed: false });
            }
        }
        Ok(batch)
    }

    fn add(&mut self, member: Member) {
        let index = self.members.len();
        self.by_id.insert(member.order.id.clone(), index);
        if let Some(source_id) = &member.order.source_id {
            self.by_source_id.insert(source_id.clone(), index);
        }
        self.members.push(member);
    }

    /// Returns the ids of the customers and referrers of the orders that were read.
    pub fn party_ids(&self) -> Vec<String> {
        let parties = self.members.iter().flat_map(|Member { order, .. }| [&order.customer_id, &order.referrer_id]);
        parties.flatten().cloned().collect()
    }

    /// Locks the orders that were read, and reads them again.
    ///
    /// # Errors
    /// Returns [`Error::LostRace`] when an order was deleted, or its customer or referrer has changed: the new one is
    /// not locked.
    pub async fn lock(&mut self, work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        if self.members.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = self.members.iter().map(|member| member.order.id.clone()).collect();
        let project = work.project();
        let locked = db::orders::lock_all(work.connection(), project, &ids).await?;
        if locked.len() < ids.len() {
            return Err(Error::LostRace);
        }
        for order in locked {
            let index = self.by_id.get(&order.id).copied().ok_or(Error::LostRace)?;
            let seen = &mut self.members[index].order;
            if (&order.customer_id, &order.referrer_id) != (&seen.customer_id, &seen.referrer_id) {
                return Err(Error::LostRace);
            }
            *seen = order;
        }
        Ok(())
    }

    /// Returns the order of the reference with the changes so far, if it is in the batch.
    pub fn find(&self, reference: &OrderReference) -> Option<&Order> {
        self.index_of(reference).map(|index| &self.members[index].order)
    }

    fn index_of(&self, reference: &OrderReference) -> Option<usize> {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => self.by_id.get(id).copied(),
            (None, Some(source_id)) => self.by_source_id.get(source_id).copied(),
            (None, None) => None,
        }
    }

    /// Returns the order that a record results in: the order of the reference after the patch, or a new order. The
    /// batch does not change before [`OrderBatch::put`].
    pub fn draft(
        &self,
        work: &mut UnitOfWork<'_>,
        reference: &OrderReference,
        patch: &OrderPatch,
    ) -> Result<Draft, Error> {
        let index = self.index_of(reference);
        if let (None, Some(id)) = (index, &reference.id) {
            return Err(Error::not_found(Resource::Order, id.as_str()));
        }
        let now = work.next_row_time();
        let order = if let Some(index) = index {
            apply_patch(&work.rules, self.members[index].order.clone(), patch, now)?
        } else {
            new_from(work.core, &work.rules, reference.source_id.as_ref(), patch, now)?
        };
        Ok(Draft { order, index })
    }

    /// Puts a draft into the batch, where the following records find it.
    pub fn put(&mut self, draft: Draft) {
        let Draft { order, index } = draft;
        let before = index.map(|index| &self.members[index].order);
        for order in before.into_iter().chain([&order]).filter(|order| order.status.counts_in_summary()) {
            self.customers.extend(order.customer_id.clone());
        }
        if let Some(index) = index {
            let member = &mut self.members[index];
            // A new order is created and changed in one step, which is not an update.
            let updated_at = order.updated_at.filter(|_| !member.is_new);
            (member.order, member.is_changed) = (Order { updated_at, ..order }, true);
        } else {
            self.add(Member { order, is_new: true, is_changed: false });
        }
    }

    /// Writes the new and the changed orders. Their customers must have been written before. Records no activity: the
    /// vendor sends no events for an import.
    pub async fn write(&self, work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        let select = |is_wanted: fn(&Member) -> bool| -> Vec<&Order> {
            self.members.iter().filter(|member| is_wanted(member)).map(|member| &member.order).collect()
        };
        let (new, changed) = (select(|member| member.is_new), select(|member| member.is_changed && !member.is_new));
        let project = work.project();
        if db::orders::insert_all(work.connection(), project, &new).await? < new.len() {
            // A concurrent transaction has created one of these orders. The next attempt finds it.
            return Err(Error::LostRace);
        }
        Ok(db::orders::update_all(work.connection(), project, &changed).await?)
    }

    /// Returns the customers whose order summary must be recomputed.
    pub fn customers_to_refresh(&self) -> Vec<&str> {
        self.customers.iter().map(String::as_str).collect()
    }
}
