//! The customers that orders, events and segments of a state document refer to.

use std::collections::{HashMap, HashSet};

use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::domain::state_document::{CustomerLink, StateMember};

/// The customers that some objects refer to.
pub struct Links {
    ids: HashSet<String>,
    by_source_id: HashMap<String, String>,
}

impl Links {
    /// Finds the customers with those ids and source ids.
    pub async fn find(loader: &mut Loader<'_>, ids: Vec<String>, source_ids: Vec<String>) -> Result<Self, Failure> {
        let mut lists = [ids, source_ids];
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        let [ids, source_ids] = lists;
        let project = loader.project();
        let scope = loader.core.pending_work.scope_of(project);
        let found = db::state::find_links(loader.connection(), project, &ids, &source_ids, scope).await?;
        let mut links = Self { ids: HashSet::with_capacity(found.len()), by_source_id: HashMap::new() };
        for (id, source_id) in found {
            if let Some(source_id) = source_id {
                links.by_source_id.insert(source_id, id.clone());
            }
            links.ids.insert(id);
        }
        Ok(links)
    }

    /// Returns the ids and the source ids of references, for [`Links::find`].
    pub fn identifiers<'b>(
        loader: &Loader<'_>,
        links: impl Iterator<Item = &'b CustomerLink>,
    ) -> (Vec<String>, Vec<String>) {
        let (mut ids, mut source_ids) = (Vec::new(), Vec::new());
        for CustomerLink { reference, .. } in links {
            ids.extend(reference.id.as_ref().map(|id| loader.customer_ids.get(id).unwrap_or(id).clone()));
            source_ids.extend(reference.source_id.clone());
        }
        (ids, source_ids)
    }

    /// Returns the id of the customer with that id, if it exists. The project may have it under another id.
    pub fn by_id(&self, loader: &Loader<'_>, id: &String) -> Option<String> {
        let id = loader.customer_ids.get(id).unwrap_or(id);
        self.ids.contains(id).then(|| id.clone())
    }

    /// Returns the id of the customer with that source id, if it exists.
    pub fn by_source_id(&self, source_id: &str) -> Option<String> {
        self.by_source_id.get(source_id).cloned()
    }

    /// Returns the id of the customer of a reference, which must exist. The id takes precedence over the source id.
    pub fn resolve(
        &self,
        loader: &Loader<'_>,
        member: StateMember,
        index: usize,
        link: &CustomerLink,
    ) -> Result<String, ObjectError> {
        let reference = &link.reference;
        let found = reference.id.as_ref().and_then(|id| self.by_id(loader, id));
        let found = found.or_else(|| self.by_source_id(reference.source_id.as_ref()?));
        found.ok_or_else(|| {
            let property = format!(".{}", link.member);
            ObjectError::new(member, index, &property, "must be a customer of the document or of the project")
        })
    }
}
