//! Writing customers of whom the source id is all that names them.

use super::{Caller, Core, Error, Resource, Work, customers, retry};
use crate::db;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference};

/// How many source ids are tried before there is none to be had.
const TRIED: usize = 10;

/// Changes the customer of that source id, or makes one: `decide` is asked what to write to the customer that there is, or to a new one,
/// and may refuse. It is asked again where another request was faster.
///
/// # Errors
/// What `decide` answers; [`Error::Invalid`] when the merged metadata is too large; [`Error::InvalidMetadata`] when it is not what
/// its schema says.
pub async fn save(
    core: &Core,
    caller: &Caller,
    source_id: &str,
    decide: impl Fn(Option<&Customer>) -> Result<CustomerPatch, Error>,
) -> Result<(), Error> {
    retry(async || {
        let mut work = Work::begin(core, caller).await?;
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

/// Makes a customer under the first of `source_ids` that nobody has, and returns that.
///
/// # Errors
/// As [`save`]; [`Error::Duplicate`] where one after the other is taken.
pub async fn create_under_free_source_id(
    core: &Core,
    caller: &Caller,
    patch: &CustomerPatch,
    source_ids: impl Fn() -> String,
) -> Result<String, Error> {
    let mut taken = String::new();
    for _ in 0..TRIED {
        let source_id = source_ids();
        match create(core, caller, &source_id, patch).await {
            Ok(()) => return Ok(source_id),
            Err(Error::Duplicate { .. }) => taken = source_id,
            Err(other) => return Err(other),
        }
    }
    Err(duplicate(&taken))
}

/// Makes a customer under that source id.
///
/// # Errors
/// As [`save`]; [`Error::Duplicate`] where somebody has it.
pub async fn create(core: &Core, caller: &Caller, source_id: &str, patch: &CustomerPatch) -> Result<(), Error> {
    let decide = |known: Option<&_>| if known.is_some() { Err(duplicate(source_id)) } else { Ok(patch.clone()) };
    save(core, caller, source_id, decide).await
}

fn duplicate(source_id: &str) -> Error {
    Error::Duplicate { resource: Resource::Customer, field: "source_id", value: source_id.to_owned() }
}
