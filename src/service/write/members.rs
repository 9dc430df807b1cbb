//! The customers or orders of a batch, which are found by id or source id.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use crate::domain::identifier::Lookup;
use crate::service::{Error, Resource};

/// A customer or an order in a batch.
pub trait Identified {
    fn id(&self) -> &str;
    /// The source id, which does not change while the member is in the batch.
    fn source_id(&self) -> Option<&str>;
}

/// The customers or orders of a batch. Each has an index, which stays the same.
#[derive(Debug)]
pub struct Members<T> {
    list: Vec<T>,
    by_id: HashMap<String, usize>,
    by_source_id: HashMap<String, usize>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { list: Vec::new(), by_id: HashMap::new(), by_source_id: HashMap::new() }
    }
}

impl<T: Identified> Members<T> {
    /// Adds a member, and returns its index.
    pub fn add(&mut self, member: T) -> usize {
        let index = self.list.len();
        self.by_id.insert(member.id().to_owned(), index);
        if let Some(source_id) = member.source_id() {
            self.by_source_id.insert(source_id.to_owned(), index);
        }
        self.list.push(member);
        index
    }

    /// Removes the member that was added last.
    pub fn remove_last(&mut self) {
        if let Some(member) = self.list.pop() {
            self.by_id.remove(member.id());
            if let Some(source_id) = member.source_id() {
                self.by_source_id.remove(source_id);
            }
        }
    }

    /// Returns the index of the member with that id or source id.
    pub fn find(&self, lookup: Lookup<'_>) -> Option<usize> {
        match lookup {
            Lookup::Id(id) => self.by_id.get(id).copied(),
            Lookup::SourceId(source_id) => self.by_source_id.get(source_id).copied(),
        }
    }

    /// Returns the index of the existing member of a reference, or `None` where the reference describes a new one.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] for an unknown id: a reference with an id never describes a new member.
    pub fn find_existing(&self, lookup: Option<Lookup<'_>>, resource: Resource) -> Result<Option<usize>, Error> {
        match (lookup.and_then(|lookup| self.find(lookup)), lookup) {
            (None, Some(Lookup::Id(id))) => Err(Error::not_found(resource, id)),
            (found, _) => Ok(found),
        }
    }

    /// Returns the member at `index`.
    pub fn into_member(mut self, index: usize) -> T {
        self.list.swap_remove(index)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.list.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.list.iter_mut()
    }
}

impl<T> Index<usize> for Members<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.list[index]
    }
}

impl<T> IndexMut<usize> for Members<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.list[index]
    }
}
