//! The custom events of a state document.

use std::collections::HashSet;

use super::links::Links;
use super::loader::{Failure, Loader, ObjectError};
use crate::db;
use crate::db::state::LoadedEvent;
use crate::domain::state_document::{StateEvent, StateMember, StateObject};
use crate::service::write::check_metadata_size;

const MEMBER: StateMember = StateMember::Events;

/// Adds custom events. One whose id exists is put in place of the existing one of its customer.
pub(super) async fn add(loader: &mut Loader<'_>, batch: Vec<StateObject<StateEvent>>) -> Result<(), Failure> {
    let project = loader.project();
    let (ids, source_ids) = Links::identifiers(loader, batch.iter().map(|object| &object.content.customer));
    let links = Links::find(loader, ids, source_ids).await?;
    let (mut saved, mut indices) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    let mut used = HashSet::new();
    for object in batch {
        let StateObject { index, id, created_at, content, .. } = object;
        let StateEvent { name, customer, metadata } = content;
        check_metadata_size(Some(&metadata)).map_err(|error| Failure::of_check(MEMBER, index, error))?;
        let customer_id = links.resolve(loader, MEMBER, index, &customer)?;
        let created_at = created_at.unwrap_or_else(|| loader.next_row_time());
        let id = id.unwrap_or_else(|| loader.change.ids().time_ordered("event_", created_at));
        if !used.insert(id.clone()) {
            return Err(ObjectError::repeated(MEMBER, index, ".id").into());
        }
        indices.push(index);
        saved.push(LoadedEvent { id, customer_id, name, metadata, created_at });
    }
    let written: HashSet<_> = db::state::save_events(loader.connection(), project, &saved).await?.into_iter().collect();
    if let Some(position) = saved.iter().position(|event| !written.contains(&event.id)) {
        return Err(ObjectError::repeated(MEMBER, indices[position], ".id").into());
    }
    loader.count(MEMBER, saved.len());
    Ok(())
}
