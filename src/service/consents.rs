//! Consents that a customer gives and revokes.

use super::{Caller, Core, Error, customers, retry};
use crate::db;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::consent::{Consent, ConsentChange};
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::objects::{consent, rendered};

/// Records what a customer says to consents. A consent is defined by its first use; what is given or revoked for the first
/// time since is entered in the activity.
///
/// # Errors
/// [`Error::NotFound`] for an unknown customer.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &ConsentChange,
) -> Result<(), Error> {
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let now = core.clock.now();
        let customer = customers::lock(&mut transaction, caller, identifier).await?;
        let news = match change {
            ConsentChange::RevokeAll => {
                let revoked = db::consents::revoke_all(&mut transaction, caller.project, &customer.id, now).await?;
                revoked.into_iter().map(|consent| (consent, false)).collect()
            }
            ConsentChange::Set(consents) => {
                let ids: Vec<_> = consents.iter().map(|(id, _)| id.clone()).collect();
                db::consents::define(&mut transaction, caller.project, &ids, now).await?;
                db::consents::set(&mut transaction, caller.project, &customer.id, consents, now).await?
            }
        };
        let (given, revoked): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, given)| *given);
        let entries: Vec<ActivityEntry> =
            [(ActivityType::ConsentsGiven, given), (ActivityType::ConsentsRevoked, revoked)]
                .into_iter()
                .filter(|(_, consents)| !consents.is_empty())
                .map(|(kind, consents)| {
                    let consents: Vec<_> = consents.into_iter().map(|(consent, _)| consent).collect();
                    core.entry(caller, kind, payload(&consents, &customer), now)
                })
                .collect();
        if !entries.is_empty() {
            db::activity::insert(&mut transaction, caller.project, &customer.id, &entries).await?;
        }
        transaction.commit().await?;
        Ok(())
    })
    .await
}

fn payload(consents: &[Consent], customer: &Customer) -> crate::domain::json::JsonText {
    rendered(|out| consent::write_payload(out, consents, customer))
}
