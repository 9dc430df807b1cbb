//! Creates and changes the customers of a slice. The number of statements does not depend on the number of customers.

use std::collections::HashMap;

use crate::db;
use crate::domain::customer::{Customer, CustomerReference, IndexedFields};
use crate::domain::job::Failure;
use crate::service::customers::{apply_patch, new_from};
use crate::service::write::UnitOfWork;
use crate::service::{Error, Resource};

/// The customers of the records of a slice: the existing ones, locked, with the changes so far, and the new ones.
/// Nothing is written before [`CustomerBatch::write`].
pub(super) struct CustomerBatch {
    members: Vec<Member>,
    by_id: HashMap<String, usize>,
    by_source_id: HashMap<String, usize>,
}

#[derive(Clone)]
struct Member {
    customer: Customer,
    /// The fields that lists search, when the customer has changed.
    indexed_fields: Option<IndexedFields>,
    is_new: bool,
}

/// The state of a customer before [`CustomerBatch::save`], for [`CustomerBatch::undo_save`].
pub(super) struct StateBeforeSave(Option<(usize, Member)>);

/// A customer that was saved in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// The index of the customer in the batch.
    pub index: usize,
    /// Whether the customer existed before.
    pub existed: bool,
}

impl CustomerBatch {
    /// Locks the existing customers of `references` and with `ids`. Every transaction locks customers in the same
    /// order, so that two of them never deadlock.
    pub async fn lock(
        work: &mut UnitOfWork<'_>,
        references: impl Iterator<Item = &CustomerReference>,
        mut ids: Vec<String>,
    ) -> Result<Self, Error> {
        let mut source_ids = Vec::new();
        for reference in references {
            match (&reference.id, &reference.source_id) {
                (Some(id), _) => ids.push(id.clone()),
                (None, Some(source_id)) => source_ids.push(source_id.clone()),
                (None, None) => {}
            }
        }
        let mut batch = Self { members: Vec::new(), by_id: HashMap::new(), by_source_id: HashMap::new() };
        if !ids.is_empty() || !source_ids.is_empty() {
            let project = work.project();
            for customer in db::customers::lock_all(work.connection(), project, &ids, &source_ids).await? {
                batch.add(Member { customer, indexed_fields: None, is_new: false });
            }
        }
        Ok(batch)
    }

    fn add(&mut self, member: Member) -> usize {
        let index = self.members.len();
        self.by_id.insert(member.customer.id.clone(), index);
        if let Some(source_id) = &member.customer.source_id {
            self.by_source_id.insert(source_id.clone(), index);
        }
        self.members.push(member);
        index
    }

    /// Returns the id of the customer at `index`.
    pub fn id_at(&self, index: usize) -> &str {
        &self.members[index].customer.id
    }

    /// Returns the id of the customer of the reference, if it is in the batch.
    pub fn id_of(&self, reference: &CustomerReference) -> Option<&str> {
        self.index_of(reference).map(|index| self.id_at(index))
    }

    fn index_of(&self, reference: &CustomerReference) -> Option<usize> {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => self.by_id.get(id).copied(),
            (None, Some(source_id)) => self.by_source_id.get(source_id).copied(),
            (None, None) => None,
        }
    }

    /// Returns the state of the customer of the reference, before it is saved.
    pub fn state_before_save(&self, reference: &CustomerReference) -> StateBeforeSave {
        StateBeforeSave(self.index_of(reference).map(|index| (index, self.members[index].clone())))
    }

    /// Undoes the last [`CustomerBatch::save`]: the record that it belongs to fails as a whole.
    pub fn undo_save(&mut self, before: StateBeforeSave) {
        if let StateBeforeSave(Some((index, member))) = before {
            self.members[index] = member;
        } else if let Some(Member { customer, .. }) = self.members.pop() {
            self.by_id.remove(&customer.id);
            if let Some(source_id) = &customer.source_id {
                self.by_source_id.remove(source_id);
            }
        }
    }

    /// Creates or changes the customer of the reference, in memory. An unknown id and metadata that violates the schema
    /// are failures of the record; then nothing has changed.
    pub fn save(
        &mut self,
        work: &mut UnitOfWork<'_>,
        reference: &CustomerReference,
    ) -> Result<Result<Saved, Failure>, Error> {
        match self.try_save(work, reference) {
            Ok(saved) => Ok(Ok(saved)),
            Err(error) => error.into_record_failure().map(Err),
        }
    }

    fn try_save(&mut self, work: &mut UnitOfWork<'_>, reference: &CustomerReference) -> Result<Saved, Error> {
        let known = self.index_of(reference);
        if let (None, Some(id)) = (known, &reference.id) {
            return Err(Error::not_found(Resource::Customer, id.as_str()));
        }
        let Some(index) = known else {
            let created_at = work.next_row_time();
            let (customer, indexed_fields) = new_from(work.core, &work.rules, reference, created_at)?;
            let index = self.add(Member { customer, indexed_fields: Some(indexed_fields), is_new: true });
            return Ok(Saved { index, existed: false });
        };
        if !reference.patch.is_empty() {
            let mut changed = self.members[index].customer.clone();
            let updated_at = work.next_row_time();
            let indexed_fields = apply_patch(&work.rules, &mut changed, reference.patch.clone(), updated_at)?;
            let member = &mut self.members[index];
            if member.is_new {
                // The customer is created and changed in one step, which is not an update.
                changed.updated_at = None;
            }
            (member.customer, member.indexed_fields) = (changed, Some(indexed_fields));
        }
        Ok(Saved { index, existed: true })
    }

    /// Writes the new and the changed customers, and marks them as changed for the segments. Records no activity: the
    /// vendor sends no events for bulk operations.
    pub async fn write(&self, work: &mut UnitOfWork<'_>) -> Result<(), Error> {
        let select = |is_new: bool| -> Vec<(&Customer, &IndexedFields)> {
            let members = self.members.iter().filter(|member| member.is_new == is_new);
            members.filter_map(|member| Some((&member.customer, member.indexed_fields.as_ref()?))).collect()
        };
        let (new, changed) = (select(true), select(false));
        let project = work.project();
        if db::customers::insert_all(work.connection(), project, &new).await? < new.len() {
            // A concurrent transaction has created one of these customers. The next attempt finds it.
            return Err(Error::LostRace);
        }
        db::customers::update_all(work.connection(), project, &changed).await?;
        for (customer, _) in new.into_iter().chain(changed) {
            work.mark_changed(customer);
        }
        Ok(())
    }

    /// Recomputes the order summary of each of these customers, after the orders were written.
    pub async fn refresh_orders(&mut self, work: &mut UnitOfWork<'_>, ids: &[&str]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let project = work.project();
        for (id, orders) in db::customers::refresh_order_summaries(work.connection(), project, ids).await? {
            // A softly deleted customer is not in the batch, and is in no segment.
            if let Some(&index) = self.by_id.get(&id) {
                self.members[index].customer.orders = orders;
                work.mark_changed(&self.members[index].customer);
            }
        }
        Ok(())
    }
}
