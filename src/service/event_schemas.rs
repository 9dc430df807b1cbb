//! Custom-event schemas: creating, changing and deleting them.

use super::rules::Revision;
use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::metadata_schema::{Definition, EventSchema};

/// Creates the schema of the events of a name, with definitions that are arranged and not too many.
///
/// # Errors
/// [`Error::Duplicate`] where the events have one; [`Error::Invalid`] where the project has too many.
pub async fn create(
    core: &Core,
    caller: &Caller,
    name: &str,
    properties: &[(String, Definition)],
) -> Result<EventSchema, Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = &revision.before().event_schemas;
        if known.iter().any(|known| known.name == name) {
            let resource = Resource::EventSchema;
            return Err(Error::Duplicate { resource, field: "name", value: name.to_owned() });
        }
        if known.len() >= limits::SCHEMAS {
            let details = format!("A project must NOT have more than {} custom-event schemas", limits::SCHEMAS);
            return Err(Error::Invalid { details });
        }
        let schema = EventSchema {
            id: core.ids.random("ms_"),
            name: name.to_owned(),
            properties: properties.to_vec(),
            created_at: core.clock.now(),
            updated_at: None,
        };
        db::event_schemas::insert(revision.connection(), caller.project, &schema).await?;
        revision.commit().await?;
        Ok(schema)
    })
    .await
}

/// The schema with that id.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn get(core: &Core, caller: &Caller, id: &Identifier) -> Result<EventSchema, Error> {
    let not_found = || Error::not_found(Resource::EventSchema, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::event_schemas::find(&mut connection, caller.project, id.as_str()).await?;
    connection.release();
    found.ok_or_else(not_found)
}

/// Replaces the definitions that `properties` names; a change that changes nothing leaves the time of change.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id; [`Error::Invalid`] where the definitions become too many.
pub async fn update(
    core: &Core,
    caller: &Caller,
    id: &Identifier,
    properties: &[(String, Definition)],
) -> Result<EventSchema, Error> {
    let not_found = || Error::not_found(Resource::EventSchema, id.as_str());
    if !id.can_exist() {
        return Err(not_found());
    }
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = db::event_schemas::lock(revision.connection(), caller.project, id.as_str()).await?;
        let known = known.ok_or_else(not_found)?;
        let mut changed = known.clone();
        changed.apply(properties.to_vec()).map_err(|details| Error::Invalid { details })?;
        if changed.properties == known.properties {
            return Ok(known);
        }
        changed.updated_at = Some(core.clock.now());
        db::event_schemas::update(revision.connection(), caller.project, &changed).await?;
        revision.commit().await?;
        Ok(changed)
    })
    .await
}

/// Deletes a schema; events of its name may say anything then.
///
/// # Errors
/// [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut revision = Revision::begin(core, caller).await?;
            if db::event_schemas::delete(revision.connection(), caller.project, id.as_str()).await? {
                revision.commit().await?;
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::EventSchema, id.as_str()))
    })
    .await
}
