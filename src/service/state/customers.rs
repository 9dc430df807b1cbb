//! The customers of a state document.

use std::collections::{HashMap, HashSet};

use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::db::state::{KnownCustomer, LoadedCustomer};
use crate::domain::customer::{Customer, OrderSummary};
use crate::domain::state_document::{StateCustomer, StateMember, StateObject};
use crate::service::write::check_metadata_size;

const MEMBER: StateMember = StateMember::Customers;

/// Adds customers. One whose id or source id exists is put in place of the existing one.
pub(super) async fn add(loader: &mut Loader<'_>, batch: Vec<StateObject<StateCustomer>>) -> Result<(), Failure> {
    let project = loader.project();
    let scope = loader.core.pending_work.scope_of(project);
    let ids: Vec<_> = batch.iter().filter_map(|object| object.id.clone()).collect();
    let source_ids: Vec<_> = batch.iter().filter_map(|object| live_source_id(&object.content).cloned()).collect();
    let found = db::state::find_known_customers(loader.connection(), project, &ids, &source_ids, scope).await?;
    let known = Known::new(&found);
    let (mut saved, mut consents, mut with_consents) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
    let (mut used, mut count_change, mut leaving) = (Used::default(), 0, Vec::new());
    let added = batch.len();
    for object in batch {
        let existing = known.find(&object, &mut used)?;
        if let (Some(given), Some(existing)) = (&object.id, existing)
            && *given != existing.id
        {
            loader.customer_ids.insert(given.clone(), existing.id.clone());
        }
        let StateObject { index, id, created_at, updated_at, content } = object;
        let StateCustomer { source_id, patch, state, consents: given_consents, deleted_at } = content;
        let (profile, metadata, indexed_fields) = patch.into_new();
        check_metadata_size(metadata.as_ref()).map_err(|error| Failure::of_check(MEMBER, index, error))?;
        let id = match existing {
            Some(existing) => existing.id.clone(),
            None => id.unwrap_or_else(|| loader.change.ids().random("cust_")),
        };
        if !used.ids.insert(id.clone()) && existing.is_some() {
            return Err(ObjectError::repeated(MEMBER, index, ".source_id").into());
        }
        let source_id = source_id.or_else(|| existing.and_then(|existing| existing.source_id.clone()));
        let created_at = match created_at.or(existing.map(|existing| existing.created_at)) {
            Some(created_at) => created_at,
            None => loader.next_row_time(),
        };
        loader.has_moved_members |= existing.is_some_and(|existing| existing.created_at != created_at);
        count_change += i64::from(deleted_at.is_none());
        if existing.is_some_and(|existing| !existing.is_deleted) {
            count_change -= 1;
            leaving.extend(deleted_at.map(|_| id.clone()));
        }
        if let Some(given_consents) = given_consents.filter(|given| loader.is_addition || !given.is_empty()) {
            consents.extend(given_consents.into_iter().map(|(consent, given)| (id.clone(), consent, given)));
            with_consents.push(id.clone());
        }
        let orders = OrderSummary::default();
        let customer = Customer { id, source_id, profile, metadata, orders, state, created_at, updated_at };
        saved.push(LoadedCustomer { customer, indexed_fields, deleted_at });
    }
    let (now, is_addition) = (loader.now(), loader.is_addition);
    let connection = loader.connection();
    db::state::save_customers(connection, project, &saved, count_change).await?;
    if is_addition && !with_consents.is_empty() {
        db::state::delete_consents(connection, project, &with_consents).await?;
    }
    if !consents.is_empty() {
        db::state::insert_consents(connection, project, &consents, now).await?;
    }
    for id in leaving {
        db::segments::remove_customer(connection, project, &id).await?;
    }
    loader.count(MEMBER, added);
    Ok(())
}

/// Returns the source id of a customer that is not deleted. Those of deleted customers are not unique.
fn live_source_id(customer: &StateCustomer) -> Option<&String> {
    customer.source_id.as_ref().filter(|_| customer.deleted_at.is_none())
}

/// What the customers of a batch use.
#[derive(Default)]
struct Used {
    ids: HashSet<String>,
    given_ids: HashSet<String>,
    source_ids: HashSet<String>,
}

/// The existing customers that a batch names.
struct Known<'a> {
    by_id: HashMap<&'a str, &'a KnownCustomer>,
    by_source_id: HashMap<&'a str, &'a KnownCustomer>,
}

impl<'a> Known<'a> {
    fn new(found: &'a [KnownCustomer]) -> Self {
        let is_live = |known: &&KnownCustomer| !known.is_deleted;
        let with_source_id = found.iter().filter(is_live);
        Self {
            by_id: found.iter().map(|known| (known.id.as_str(), known)).collect(),
            by_source_id: with_source_id.filter_map(|known| Some((known.source_id.as_deref()?, known))).collect(),
        }
    }

    /// Returns the existing customer that an object is put in place of.
    fn find(
        &self,
        object: &StateObject<StateCustomer>,
        used: &mut Used,
    ) -> Result<Option<&'a KnownCustomer>, ObjectError> {
        let repeated = |property| Err(ObjectError::repeated(MEMBER, object.index, property));
        let by_id = object.id.as_ref().and_then(|id| self.by_id.get(id.as_str()).copied());
        let is_new = object.id.as_ref().is_none_or(|id| used.given_ids.insert(id.clone()));
        if !is_new || by_id.is_some_and(|known| known.is_loaded) {
            return repeated(".id");
        }
        let Some(source_id) = live_source_id(&object.content) else { return Ok(by_id) };
        let by_source_id = self.by_source_id.get(source_id.as_str()).copied();
        if !used.source_ids.insert(source_id.clone()) || by_source_id.is_some_and(|known| known.is_loaded) {
            return repeated(".source_id");
        }
        match (by_id, by_source_id) {
            (Some(one), Some(other)) if one.id != other.id => {
                let what = "must NOT be that of another customer of the project";
                Err(ObjectError::new(MEMBER, object.index, ".source_id", what))
            }
            _ => Ok(by_id.or(by_source_id)),
        }
    }
}
