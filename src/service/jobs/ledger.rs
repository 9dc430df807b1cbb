//! Orders created and changed by the slice: read, locked and written in a handful of statements however many they are.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;

use crate::db;
use crate::domain::order::{Order, OrderPatch};
use crate::service::orders::{OrderReference, made_of, patched};
use crate::service::{Error, Resource, Work};

/// The orders that records name, and what the records make of them. Nothing is written before [`Ledger::write`].
#[derive(Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    by_source_id: HashMap<String, usize>,
    created: i64,
    /// Whose summary follows.
    customers: BTreeSet<String>,
}

struct Entry {
    order: Order,
    is_new: bool,
    is_changed: bool,
}

/// An order as a record would have it.
pub(super) struct Draft {
    pub order: Order,
    /// Where the order is that it changes; `None` of a new one.
    place: Option<usize>,
}

impl Ledger {
    /// Reads the known orders, without a lock.
    pub async fn read(work: &mut Work<'_>, references: &[&OrderReference]) -> Result<Self, Error> {
        let (mut ids, mut source_ids) = (Vec::new(), Vec::new());
        for reference in references {
            match (&reference.id, &reference.source_id) {
                (Some(id), _) => ids.push(id.clone()),
                (None, Some(source_id)) => source_ids.push(source_id.clone()),
                (None, None) => {}
            }
        }
        let mut ledger = Self::default();
        if !ids.is_empty() || !source_ids.is_empty() {
            let project = work.project();
            for order in db::orders::find_all(work.connection(), project, &ids, &source_ids).await? {
                ledger.add(Entry { order, is_new: false, is_changed: false });
            }
        }
        Ok(ledger)
    }

    fn add(&mut self, entry: Entry) {
        let place = self.entries.len();
        self.by_id.insert(entry.order.id.clone(), place);
        if let Some(source_id) = &entry.order.source_id {
            self.by_source_id.insert(source_id.clone(), place);
        }
        self.entries.push(entry);
    }

    /// The ids of everyone who has a part in the orders that were read.
    pub fn people(&self) -> Vec<String> {
        let people = self.entries.iter().flat_map(|Entry { order, .. }| [&order.customer_id, &order.referrer_id]);
        people.flatten().cloned().collect()
    }

    /// Locks the orders that were read, and reads them again.
    ///
    /// # Errors
    /// [`Error::LostRace`] where the people of one are others now, who are not locked, or one is gone.
    pub async fn lock(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = self.entries.iter().map(|entry| entry.order.id.clone()).collect();
        let project = work.project();
        let locked = db::orders::lock_all(work.connection(), project, &ids).await?;
        if locked.len() < ids.len() {
            return Err(Error::LostRace);
        }
        for order in locked {
            let place = self.by_id.get(&order.id).copied().ok_or(Error::LostRace)?;
            let seen = &mut self.entries[place].order;
            if (&order.customer_id, &order.referrer_id) != (&seen.customer_id, &seen.referrer_id) {
                return Err(Error::LostRace);
            }
            *seen = order;
        }
        Ok(())
    }

    /// The order that is known by that name, as it is by now.
    pub fn known(&self, reference: &OrderReference) -> Option<&Order> {
        self.place_of(reference).map(|place| &self.entries[place].order)
    }

    fn place_of(&self, reference: &OrderReference) -> Option<usize> {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => self.by_id.get(id).copied(),
            (None, Some(source_id)) => self.by_source_id.get(source_id).copied(),
            (None, None) => None,
        }
    }

    /// What a record makes of the order that it names, or of a new one. Nothing has changed before [`Ledger::put`].
    pub fn draft(&self, work: &Work<'_>, reference: &OrderReference, patch: &OrderPatch) -> Result<Draft, Error> {
        let place = self.place_of(reference);
        if let (None, Some(id)) = (place, &reference.id) {
            return Err(Error::not_found(Resource::Order, id.as_str()));
        }
        let order = if let Some(place) = place {
            patched(&work.rules, self.entries[place].order.clone(), patch, work.now)?
        } else {
            // Microseconds apart, so that a list shows them in their order.
            let created_at = work.now + TimeDelta::microseconds(self.created);
            made_of(work.core, &work.rules, reference.source_id.as_ref(), patch, created_at)?
        };
        Ok(Draft { order, place })
    }

    /// Takes a draft, which the next records find.
    pub fn put(&mut self, draft: Draft) {
        let Draft { order, place } = draft;
        let before = place.map(|place| &self.entries[place].order);
        for order in before.into_iter().chain([&order]).filter(|order| order.status.counts()) {
            self.customers.extend(order.customer_id.clone());
        }
        if let Some(place) = place {
            let entry = &mut self.entries[place];
            // One that is new was created just so.
            let updated_at = order.updated_at.filter(|_| !entry.is_new);
            (entry.order, entry.is_changed) = (Order { updated_at, ..order }, true);
        } else {
            self.created += 1;
            self.add(Entry { order, is_new: true, is_changed: false });
        }
    }

    /// Writes the orders that are new or have changed, after their people. Nobody is told of them: the vendor sends no events
    /// for an import.
    pub async fn write(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let of = |wanted: fn(&Entry) -> bool| -> Vec<&Order> {
            self.entries.iter().filter(|entry| wanted(entry)).map(|entry| &entry.order).collect()
        };
        let (new, changed) = (of(|entry| entry.is_new), of(|entry| entry.is_changed && !entry.is_new));
        let project = work.project();
        if db::orders::insert_all(work.connection(), project, &new).await? < new.len() {
            // Someone else has just created one of them: it is found from the next attempt on.
            return Err(Error::LostRace);
        }
        Ok(db::orders::update_all(work.connection(), project, &changed).await?)
    }

    /// The customers whose counted orders have changed.
    pub fn customers_to_refresh(&self) -> Vec<&str> {
        self.customers.iter().map(String::as_str).collect()
    }
}
