//! The orders of a state document.

use std::collections::{HashMap, HashSet};

use super::links::Links;
use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::db::state::KnownOrder;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::state_document::{CustomerLink, StateMember, StateObject, StateOrder};
use crate::service::write::check_metadata_size;

const MEMBER: StateMember = StateMember::Orders;

/// Adds orders. One whose id or source id exists is put in place of the existing one.
pub(super) async fn add(loader: &mut Loader<'_>, batch: Vec<StateObject<StateOrder>>) -> Result<(), Failure> {
    let project = loader.project();
    let scope = loader.core.pending_work.scope_of(project);
    let parties = batch.iter().flat_map(|object| object.content.customer.iter().chain(&object.content.referrer));
    let (ids, source_ids) = Links::identifiers(loader, parties);
    let links = Links::find(loader, ids, source_ids).await?;
    let ids: Vec<_> = batch.iter().filter_map(|object| object.id.clone()).collect();
    let source_ids: Vec<_> = batch.iter().filter_map(|object| object.content.source_id.clone()).collect();
    let found = db::state::find_known_orders(loader.connection(), project, &ids, &source_ids, scope).await?;
    let by_id: HashMap<_, _> = found.iter().map(|known| (known.id.as_str(), known)).collect();
    let by_source_id: HashMap<_, _> =
        found.iter().filter_map(|known| Some((known.source_id.as_deref()?, known))).collect();
    let (mut used_ids, mut used_source_ids) = (HashSet::new(), HashSet::new());
    let (mut saved, mut count_change) = (Vec::with_capacity(batch.len()), 0);
    for object in batch {
        let StateObject { index, id, created_at, updated_at, content } = object;
        let StateOrder { source_id, order: patch, customer, referrer } = content;
        let known_by_id = id.as_ref().and_then(|id| by_id.get(id.as_str()).copied());
        let known_by_source_id = source_id.as_ref().and_then(|id| by_source_id.get(id.as_str()).copied());
        let is_loaded = |known: Option<&KnownOrder>| known.is_some_and(|known| known.is_loaded);
        if is_loaded(known_by_id) {
            return Err(ObjectError::repeated(MEMBER, index, ".id").into());
        }
        let is_new_source_id = source_id.as_ref().is_none_or(|id| used_source_ids.insert(id.clone()));
        if !is_new_source_id || is_loaded(known_by_source_id) {
            return Err(ObjectError::repeated(MEMBER, index, ".source_id").into());
        }
        if let (Some(one), Some(other)) = (known_by_id, known_by_source_id)
            && one.id != other.id
        {
            let what = "must NOT be that of another order of the project";
            return Err(ObjectError::new(MEMBER, index, ".source_id", what).into());
        }
        let existing = known_by_id.or(known_by_source_id);
        let created_at = match created_at.or(existing.map(|existing| existing.created_at)) {
            Some(created_at) => created_at,
            None => loader.next_row_time(),
        };
        let id = match existing {
            Some(existing) => existing.id.clone(),
            None => id.unwrap_or_else(|| loader.change.ids().time_ordered("ord_", created_at)),
        };
        if !used_ids.insert(id.clone()) {
            return Err(ObjectError::repeated(MEMBER, index, ".id").into());
        }
        count_change += i64::from(existing.is_none());
        let party =
            |link: Option<&CustomerLink>| link.map(|link| links.resolve(loader, MEMBER, index, link)).transpose();
        let mut order = Order {
            id,
            source_id: source_id.or_else(|| existing.and_then(|existing| existing.source_id.clone())),
            customer_id: party(customer.as_ref())?,
            referrer_id: party(referrer.as_ref())?,
            status: OrderStatus::default(),
            amount: 0,
            items: None,
            metadata: None,
            created_at,
            updated_at,
        };
        let amount = patch.amount;
        patch.apply(&mut order);
        // An order keeps its amount when its items were changed without it, so the amount of the document is the right one.
        order.amount = amount.unwrap_or(order.amount);
        check_metadata_size(order.metadata.as_ref()).map_err(|error| Failure::of_check(MEMBER, index, error))?;
        saved.push(order);
    }
    db::state::save_orders(loader.connection(), project, &saved, count_change).await?;
    loader.count(MEMBER, saved.len());
    Ok(())
}
