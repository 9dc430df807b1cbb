//! `CUSTOMERS.METADATA_KEY_PURGE` and `ORDERS.METADATA_KEY_PURGE`.

use serde::{Deserialize, Serialize};

use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobAddress, JobType};
use crate::service::rules::Revision;
use crate::service::{Caller, Core, Error};

/// What is to be purged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PurgeParameters {
    /// The id of the schema that the definition was removed from.
    pub schema_id: String,
    pub key: String,
}

/// Removes the key everywhere, alone in the project, and drops its definition.
pub(super) async fn run(core: &Core, caller: &Caller, address: &JobAddress) -> Result<(), Error> {
    let mut revision = Revision::begin(core, caller).await?;
    let Some(job) = db::jobs::claim(revision.connection(), address).await? else { return Ok(()) };
    match finish(core, caller, &mut revision, &job).await {
        Ok(()) => revision.commit().await,
        Err(error) => {
            // Whoever tries next finds the job free.
            revision.roll_back().await;
            Err(error)
        }
    }
}

async fn finish(core: &Core, caller: &Caller, revision: &mut Revision<'_>, job: &Job) -> Result<(), Error> {
    db::jobs::take_time(revision.connection()).await?;
    let done = purge(core, caller, revision, job).await?;
    let now = core.clock.now();
    Ok(db::jobs::finish(revision.connection(), caller.project, &job.id, done, now, None).await?)
}

/// How many customers or orders had the key. Where the definition is removed no more, or the schema is gone, nothing is done.
async fn purge(core: &Core, caller: &Caller, revision: &mut Revision<'_>, job: &Job) -> Result<i64, Error> {
    let parameters = job.parameters.as_ref().and_then(|parameters| serde_json::from_str(parameters.as_str()).ok());
    let Some(PurgeParameters { schema_id, key }) = parameters else { return Ok(0) };
    let (project, schema_id) = (caller.project, Identifier::new(schema_id));
    let schema = db::metadata_schemas::lock(revision.connection(), project, &schema_id).await?;
    let Some(mut schema) = schema.filter(|schema| schema.has_removed(&key)) else { return Ok(0) };
    let done = if job.kind == JobType::CustomersMetadataKeyPurge {
        revision.purged(&key);
        db::customers::purge_metadata(revision.connection(), project, &key).await?
    } else {
        db::orders::purge_metadata(revision.connection(), project, &key).await?
    };
    schema.properties.retain(|(known, _)| *known != key);
    schema.updated_at = Some(core.clock.now());
    db::metadata_schemas::update(revision.connection(), project, &schema).await?;
    Ok(done)
}
