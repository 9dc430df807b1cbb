//! Consents that a customer gives and revokes.

use super::{Caller, Core, Error, Work, customers, retry};
use crate::db;
use crate::domain::activity::ActivityType;
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
        let mut work = Work::begin(core, caller).await?;
        let (project, now) = (caller.project, work.now);
        let customer = customers::lock(&mut work, identifier).await?;
        let news = match change {
            ConsentChange::RevokeAll => {
                let revoked = db::consents::revoke_all(work.connection(), project, &customer.id, now).await?;
                revoked.into_iter().map(|consent| (consent, false)).collect()
            }
            ConsentChange::Set(consents) => {
                let ids: Vec<_> = consents.iter().map(|(id, _)| id.clone()).collect();
                db::consents::define(work.connection(), project, &ids, now).await?;
                db::consents::set(work.connection(), project, &customer.id, consents, now).await?
            }
        };
        let (given, revoked): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, given)| *given);
        for (kind, consents) in [(ActivityType::ConsentsGiven, given), (ActivityType::ConsentsRevoked, revoked)] {
            if !consents.is_empty() {
                let consents: Vec<_> = consents.into_iter().map(|(consent, _)| consent).collect();
                work.tell(&customer.id, kind, payload(&consents, &customer));
            }
        }
        work.commit().await?;
        Ok(())
    })
    .await
}

fn payload(consents: &[Consent], customer: &Customer) -> crate::domain::json::JsonText {
    rendered(|out| consent::write_payload(out, consents, customer))
}
