//! Custom-event schemas: creating, changing and deleting them.

use super::retry::retry;
use super::rules::RulesChange;
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::metadata_schema::{Definition, EventSchema};

/// Creates the schema of the events with that name. `properties` are in the vendor's order, and not more than the
/// limit.
///
/// # Errors
/// Returns [`Error::Duplicate`] when these events have a schema, and [`Error::Invalid`] when the project has too many
/// schemas.
pub async fn create(
    core: &Core,
    caller: &Caller,
    name: &str,
    properties: &[(String, Definition)],
) -> Result<EventSchema, Error> {
    retry(async || {
        let mut rules_change = RulesChange::begin(core, caller).await?;
        let known = &rules_change.before().event_schemas;
        if known.iter().any(|known| known.name == name) {
            let resource = Resource::EventSchema;
            return Err(Error::Duplicate { resource, field: "name", value: name.to_owned() });
        }
        if known.len() >= limits::SCHEMAS_PER_PROJECT {
            let details =
                format!("A project must NOT have more than {} custom-event schemas", limits::SCHEMAS_PER_PROJECT);
            return Err(Error::Invalid { details });
        }
        let schema = EventSchema {
            id: rules_change.ids().random("ms_"),
            name: name.to_owned(),
            properties: properties.to_vec(),
            created_at: rules_change.now(),
            updated_at: None,
        };
        db::event_schemas::insert(rules_change.connection(), caller.project, &schema).await?;
        rules_change.commit().await?;
        Ok(schema)
    })
    .await
}

/// Returns the schema with that id.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
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

/// Adds or replaces the definitions in `properties`. A request that changes nothing leaves `updated_at` as it is.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id, and [`Error::Invalid`] when there would be too many definitions.
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
        let mut rules_change = RulesChange::begin(core, caller).await?;
        let known = db::event_schemas::lock(rules_change.connection(), caller.project, id.as_str()).await?;
        let known = known.ok_or_else(not_found)?;
        let mut changed = known.clone();
        changed.apply(properties.to_vec()).map_err(|details| Error::Invalid { details })?;
        if changed.properties == known.properties {
            return Ok(known);
        }
        changed.updated_at = Some(rules_change.now());
        db::event_schemas::update(rules_change.connection(), caller.project, &changed).await?;
        rules_change.commit().await?;
        Ok(changed)
    })
    .await
}

/// Deletes a schema. Events of its name may then have any metadata.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown id.
pub async fn delete(core: &Core, caller: &Caller, id: &Identifier) -> Result<(), Error> {
    retry(async || {
        if id.can_exist() {
            let mut rules_change = RulesChange::begin(core, caller).await?;
            if db::event_schemas::delete(rules_change.connection(), caller.project, id.as_str()).await? {
                rules_change.commit().await?;
                return Ok(());
            }
        }
        Err(Error::not_found(Resource::EventSchema, id.as_str()))
    })
    .await
}
