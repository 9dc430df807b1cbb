//! `CUSTOMERS.METADATA_KEY_PURGE` and `ORDERS.METADATA_KEY_PURGE`.

use serde::{Deserialize, Serialize};

use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobAddress, JobType};
use crate::service::rules::RulesChange;
use crate::service::{Caller, Core, Error};

/// The metadata key to purge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PurgeParameters {
    /// The id of the schema from which the definition was removed.
    pub schema_id: String,
    pub key: String,
}

/// Removes the key from the metadata of all customers or orders and drops its definition, in one exclusive transaction. Returns whether the
/// job is finished, which it is not while another process has locked it.
pub(super) async fn run(core: &Core, caller: &Caller, address: &JobAddress) -> Result<bool, Error> {
    let mut change = RulesChange::begin(core, caller).await?;
    let Some(job) = db::jobs::try_lock(change.connection(), address).await? else { return Ok(false) };
    match finish(caller, &mut change, &job).await {
        Ok(()) => change.commit().await.map(|()| true),
        Err(error) => {
            // Wait for the roll-back, so that the next attempt finds the job unlocked.
            change.roll_back().await;
            Err(error)
        }
    }
}

async fn finish(caller: &Caller, change: &mut RulesChange<'_>, job: &Job) -> Result<(), Error> {
    db::jobs::disable_statement_timeout(change.connection()).await?;
    let purged = purge(caller, change, job).await?;
    let now = change.now();
    Ok(db::jobs::finish(change.connection(), caller.project, &job.id, purged, now, None).await?)
}

/// Purges the key, and returns how many customers or orders had it. Does nothing when the definition is no longer
/// marked as removed, or the schema was deleted.
async fn purge(caller: &Caller, change: &mut RulesChange<'_>, job: &Job) -> Result<i64, Error> {
    let parameters = job.parameters.as_ref().and_then(|parameters| serde_json::from_str(parameters.as_str()).ok());
    let Some(PurgeParameters { schema_id, key }) = parameters else { return Ok(0) };
    let (project, schema_id) = (caller.project, Identifier::new(schema_id));
    let schema = db::metadata_schemas::lock(change.connection(), project, &schema_id).await?;
    let Some(mut schema) = schema.filter(|schema| schema.is_removed(&key)) else { return Ok(0) };
    let purged = if job.kind == JobType::CustomersMetadataKeyPurge {
        change.set_purged_key(&key);
        db::customers::purge_metadata(change.connection(), project, &key).await?
    } else {
        db::orders::purge_metadata(change.connection(), project, &key).await?
    };
    schema.properties.retain(|(known, _)| *known != key);
    schema.updated_at = Some(change.now());
    db::metadata_schemas::update(change.connection(), project, &schema).await?;
    Ok(purged)
}
