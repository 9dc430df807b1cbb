//! Tracking custom events.

use serde_json::{Map, Value};

use super::retry::retry;
use super::write::{CustomerBatch, Recording, UnitOfWork, check_metadata_size};
use super::{Caller, Core, Error};
use crate::db;
use crate::domain::activity::ActivityType;
use crate::domain::customer::{Customer, CustomerReference};
use crate::domain::event::CustomEvent;
use crate::domain::json::JsonText;
use crate::objects::{event, rendered};

/// An event to track.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub name: String,
    pub customer: CustomerReference,
    pub metadata: Map<String, Value>,
    pub referral: Option<JsonText>,
    pub loyalty: Option<JsonText>,
}

/// Stores an event of a customer, and creates or updates the customer if the event requires it.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown customer `id`.
pub async fn track(core: &Core, caller: &Caller, new: NewEvent) -> Result<(CustomEvent, Customer), Error> {
    let metadata = JsonText::of(&new.metadata);
    check_metadata_size(Some(&metadata))?;
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        work.rules.check_event(&new.name, &new.metadata).map_err(Error::invalid_metadata)?;
        let mut customers = CustomerBatch::lock(&mut work, &[&new.customer], Vec::new()).await?;
        let resolved = customers.resolve(&mut work, &new.customer).await?;
        customers.write(&mut work).await?;
        let customer = customers.into_customer(resolved.index);
        let tracked = CustomEvent {
            id: work.ids.time_ordered("event_", work.now),
            name: new.name.clone(),
            metadata: metadata.clone(),
            referral: new.referral.clone(),
            loyalty: new.loyalty.clone(),
            created_at: work.now,
        };
        db::events::insert(work.connection(), caller.project, &customer.id, &tracked).await?;
        let schema = work.rules.event_schema(&new.name);
        let payload = rendered(|out| event::write_payload(out, &tracked, &customer, schema));
        work.record_activity(&customer.id, ActivityType::CustomEvent, payload);
        work.mark_changed(&customer);
        work.commit().await?;
        Ok((tracked, customer))
    })
    .await
}
