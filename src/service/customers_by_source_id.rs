//! Saving customers for callers that identify them by source id only.

use super::retry::retry;
use super::write::{CustomerBatch, Recording, UnitOfWork};
use super::{Caller, Core, Error, Resource};
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference};
use crate::ids::IdSource;

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
        let mut reference = CustomerReference { source_id: Some(source_id.to_owned()), ..CustomerReference::default() };
        let mut batch = CustomerBatch::lock(&mut work, &[&reference], Vec::new()).await?;
        let known = batch.get_by_reference(&reference);
        reference.patch = decide(known)?;
        if known.is_some() && reference.patch.is_empty() {
            return Ok(());
        }
        batch.save(&mut work, &reference).await?;
        batch.write(&mut work).await?;
        work.commit().await
    })
    .await
}

/// Creates a customer with the first of the generated source ids that is free, and returns that source id. `generate` makes one from the
/// identifiers of the transaction.
///
/// # Errors
/// Returns the errors of [`save`], and [`Error::Duplicate`] when all tried source ids are taken.
pub async fn create_with_free_source_id(
    core: &Core,
    caller: &Caller,
    patch: &CustomerPatch,
    generate: impl Fn(&mut IdSource) -> String,
) -> Result<String, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let mut taken = String::new();
        for _ in 0..MAX_SOURCE_IDS {
            let source_id = generate(&mut work.ids);
            let reference = CustomerReference { id: None, source_id: Some(source_id.clone()), patch: patch.clone() };
            let mut batch = CustomerBatch::lock(&mut work, &[&reference], Vec::new()).await?;
            if batch.get_by_reference(&reference).is_some() {
                taken = source_id;
                continue;
            }
            batch.save(&mut work, &reference).await?;
            batch.write(&mut work).await?;
            work.commit().await?;
            return Ok(source_id);
        }
        Err(duplicate(&taken))
    })
    .await
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
