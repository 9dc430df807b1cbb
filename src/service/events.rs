//! Tracking custom events.

use super::{Caller, Core, Error, customers, retry};
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
    pub metadata: JsonText,
    pub referral: Option<JsonText>,
    pub loyalty: Option<JsonText>,
}

/// Tracks an event of the customer that it names, who is created or updated on the way.
///
/// # Errors
/// [`Error::NotFound`] for an unknown customer `id`.
pub async fn track(core: &Core, caller: &Caller, new: NewEvent) -> Result<(CustomEvent, Customer), Error> {
    customers::check_metadata(Some(&new.metadata))?;
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let now = core.clock.now();
        let customer = customers::resolve(core, caller, &mut transaction, &new.customer, now).await?;
        let tracked = CustomEvent {
            id: core.ids.timed("event_", now),
            name: new.name.clone(),
            metadata: new.metadata.clone(),
            referral: new.referral.clone(),
            loyalty: new.loyalty.clone(),
            created_at: now,
        };
        db::events::insert(&mut transaction, caller.project, &customer.id, &tracked).await?;
        let payload = rendered(|out| event::write_payload(out, &tracked, &customer));
        let entry = core.entry(caller, ActivityType::CustomEvent, payload, now);
        db::activity::insert(&mut transaction, caller.project, &customer.id, &[entry]).await?;
        transaction.commit().await?;
        Ok((tracked, customer))
    })
    .await
}
