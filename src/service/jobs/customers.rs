//! Customers created and changed by the slice: read, locked and written in a handful of statements however many they are.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::db;
use crate::domain::customer::{Customer, CustomerReference, Searched};
use crate::domain::job::Failure;
use crate::service::customers::{made_of, patched};
use crate::service::{Error, Resource, Work};

/// The customers whom records name, locked, and what the records make of them. Nothing is written before [`Crowd::write`].
pub(super) struct Crowd {
    members: Vec<Member>,
    by_id: HashMap<String, usize>,
    by_source_id: HashMap<String, usize>,
    created: i64,
}

#[derive(Clone)]
struct Member {
    customer: Customer,
    /// What lists search for, where it has changed.
    searched: Option<Searched>,
    is_new: bool,
}

/// A customer as they were before [`Crowd::save`], for [`Crowd::take_back`].
pub(super) struct Before(Option<(usize, Member)>);

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// Where the customer is in the crowd.
    pub place: usize,
    /// Whether there was such a customer before.
    pub was_found: bool,
}

impl Crowd {
    /// Locks everyone whom `references` name and who lives, in the one order in which customers are locked.
    pub async fn lock(
        work: &mut Work<'_>,
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
        let mut crowd = Self { members: Vec::new(), by_id: HashMap::new(), by_source_id: HashMap::new(), created: 0 };
        if !ids.is_empty() || !source_ids.is_empty() {
            let project = work.project();
            for customer in db::customers::lock_all(work.connection(), project, &ids, &source_ids).await? {
                crowd.add(Member { customer, searched: None, is_new: false });
            }
        }
        Ok(crowd)
    }

    fn add(&mut self, member: Member) -> usize {
        let place = self.members.len();
        self.by_id.insert(member.customer.id.clone(), place);
        if let Some(source_id) = &member.customer.source_id {
            self.by_source_id.insert(source_id.clone(), place);
        }
        self.members.push(member);
        place
    }

    /// The place of the customer with that id.
    pub fn place_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The id of the customer with that place.
    pub fn id_at(&self, place: usize) -> &str {
        &self.members[place].customer.id
    }

    /// The id of the customer whom the reference names, if there is one.
    pub fn id_of(&self, reference: &CustomerReference) -> Option<&str> {
        self.known(reference).map(|place| self.id_at(place))
    }

    fn known(&self, reference: &CustomerReference) -> Option<usize> {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => self.place_of(id),
            (None, Some(source_id)) => self.by_source_id.get(source_id).copied(),
            (None, None) => None,
        }
    }

    /// The customer whom the reference names, before it is saved.
    pub fn before(&self, reference: &CustomerReference) -> Before {
        Before(self.known(reference).map(|place| (place, self.members[place].clone())))
    }

    /// Takes back what was saved last: it belongs to something that is refused as a whole.
    pub fn take_back(&mut self, before: Before) {
        if let Before(Some((place, member))) = before {
            self.members[place] = member;
        } else if let Some(Member { customer, .. }) = self.members.pop() {
            self.created -= 1;
            self.by_id.remove(&customer.id);
            if let Some(source_id) = &customer.source_id {
                self.by_source_id.remove(source_id);
            }
        }
    }

    /// Creates or changes the customer whom the reference names, in memory: an id that nobody has is refused, as are
    /// violations of the schema; then nothing has changed.
    pub fn save(&mut self, work: &Work<'_>, reference: &CustomerReference) -> Result<Result<Saved, Failure>, Error> {
        match self.try_save(work, reference) {
            Ok(saved) => Ok(Ok(saved)),
            Err(error) => error.of_record().map(Err),
        }
    }

    fn try_save(&mut self, work: &Work<'_>, reference: &CustomerReference) -> Result<Saved, Error> {
        let known = self.known(reference);
        if let (None, Some(id)) = (known, &reference.id) {
            return Err(Error::not_found(Resource::Customer, id.as_str()));
        }
        let Some(place) = known else {
            // Microseconds apart, so that a list shows them in their order.
            let created_at = work.now + TimeDelta::microseconds(self.created);
            let (customer, searched) = made_of(work.core, &work.rules, reference, created_at)?;
            self.created += 1;
            let place = self.add(Member { customer, searched: Some(searched), is_new: true });
            return Ok(Saved { place, was_found: false });
        };
        if !reference.patch.is_empty() {
            let mut changed = self.members[place].customer.clone();
            let searched = patched(&work.rules, &mut changed, reference.patch.clone(), work.now)?;
            let member = &mut self.members[place];
            if member.is_new {
                // It was created just so.
                changed.updated_at = None;
            }
            (member.customer, member.searched) = (changed, Some(searched));
        }
        Ok(Saved { place, was_found: true })
    }

    /// Writes everyone who is new or has changed. They are told of to filters, and to nobody else: the vendor sends no events
    /// for what is done in bulk.
    pub async fn write(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let of = |is_new: bool| -> Vec<(&Customer, &Searched)> {
            let members = self.members.iter().filter(|member| member.is_new == is_new);
            members.filter_map(|member| Some((&member.customer, member.searched.as_ref()?))).collect()
        };
        let (new, changed) = (of(true), of(false));
        let project = work.project();
        if db::customers::insert_all(work.connection(), project, &new).await? < new.len() {
            // Someone else has just created one of them: it is found from the next attempt on.
            return Err(Error::LostRace);
        }
        db::customers::update_all(work.connection(), project, &changed).await?;
        for (customer, _) in new.into_iter().chain(changed) {
            work.touch(customer);
        }
        Ok(())
    }

    /// Sums up the orders of those customers anew, once for each, after the orders were written.
    pub async fn refresh_orders(&mut self, work: &mut Work<'_>, ids: &[&str]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let project = work.project();
        for (id, orders) in db::customers::refresh_all_orders(work.connection(), project, ids).await? {
            // Whoever is deleted softly is in no crowd, and in no segment.
            if let Some(place) = self.place_of(&id) {
                self.members[place].customer.orders = orders;
                work.touch(&self.members[place].customer);
            }
        }
        Ok(())
    }
}
