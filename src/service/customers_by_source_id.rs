//! Saving customers for callers that identify them by source id only.

use super::retry::retry;
use super::write::{Recording, UnitOfWork};
use super::{Caller, Core, Error, Resource, customers};
use crate::db;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference};

/// How many source ids are tried before the creation fails.
const MAX_SOURCE_IDS: usize = 10;

/// Updates the customer with that source id, or creates it. `decide` receives the existing customer, or `None`, and
/// returns the patch to apply or an error. It is called again after a lost race.
///
/// # Errors
/// Returns the error of `decide`, [`Error::Invalid`] when the merged metadata is too large, and
/// [`Error::InvalidMetadata`] when it violates its schema.
pub async fn save(
    core: &Core,
    caller: &Caller,
    source_id: &str,
    decide: impl Fn(Option<&Customer>) -> Result<CustomerPatch, Error>,
) -> Result<(), Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let known = db::customers::lock_by_source_id(work.connection(), caller.project, source_id).await?;
        let patch = decide(known.as_ref())?;
        match known {
            Some(_) if patch.is_empty() => return Ok(()),
            Some(mut known) => customers::change(&mut work, &mut known, patch).await?,
            None => {
                let reference = CustomerReference { id: None, source_id: Some(source_id.to_owned()), patch };
                customers::create(&mut work, &reference).await?;
            }
        }
        work.commit().await
    })
    .await
}

/// Creates a customer with the first of the generated `source_ids` that is free, and returns that source id.
///
/// # Errors
/// Returns the errors of [`save`], and [`Error::Duplicate`] when all tried source ids are taken.
pub async fn create_with_free_source_id(
    core: &Core,
    caller: &Caller,
    patch: &CustomerPatch,
    source_ids: impl Fn() -> String,
) -> Result<String, Error> {
    let mut taken = String::new();
    for _ in 0..MAX_SOURCE_IDS {
        let source_id = source_ids();
        match create(core, caller, &source_id, patch).await {
            Ok(()) => return Ok(source_id),
            Err(Error::Duplicate { .. }) => taken = source_id,
            Err(other) => return Err(other),
        }
    }
    Err(duplicate(&taken))
}

/// Creates a customer with that source id.
///
/// # Errors
/// Returns the errors of [`save`], and [`Error::Duplicate`] when the source id is taken.
pub async fn create(core: &Core, caller: &Caller, source_id: &str, patch: &CustomerPatch) -> Result<(), Error> {
    let decide = |known: Option<&_>| if known.is_some() { Err(duplicate(source_id)) } else { Ok(patch.clone()) };
    save(core, caller, source_id, decide).await
}

fn duplicate(source_id: &str) -> Error {
    Error::Duplicate { resource: Resource::Customer, field: "source_id", value: source_id.to_owned() }
}
