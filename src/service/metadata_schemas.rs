//! Metadata schemas: creating, changing and deleting them, and removing the values of a removed key.

use sqlx::PgConnection;

use super::rules::Revision;
use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::limits;
use crate::domain::metadata_schema::{Definition, MetadataSchema, MetadataSchemaChange};

/// A metadata schema to create.
#[derive(Clone, Debug)]
pub struct NewMetadataSchema {
    pub related_object: String,
    /// Arranged, and not too many.
    pub properties: Vec<(String, Definition)>,
    pub allow_defined_only: Option<bool>,
}

/// What a purge went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    pub resource: Resource,
    /// How many of them had the key.
    pub count: i64,
}

/// Creates the schema of a resource.
///
/// # Errors
/// [`Error::Duplicate`] where the resource has one; [`Error::Invalid`] where the project has too many.
pub async fn create(core: &Core, caller: &Caller, new: &NewMetadataSchema) -> Result<MetadataSchema, Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = &revision.before().metadata_schemas;
        if known.iter().any(|known| known.related_object == new.related_object) {
            let (resource, value) = (Resource::MetadataSchema, new.related_object.clone());
            return Err(Error::Duplicate { resource, field: "related_object", value });
        }
        if known.len() >= limits::SCHEMAS {
            let details = format!("A project must NOT have more than {} metadata schemas", limits::SCHEMAS);
            return Err(Error::Invalid { details });
        }
        let schema = MetadataSchema {
            id: core.ids.random("ms_"),
            related_object: new.related_object.clone(),
            properties: new.properties.clone(),
            allow_defined_only: new.allow_defined_only,
            created_at: core.clock.now(),
            updated_at: None,
        };
        db::metadata_schemas::insert(revision.connection(), caller.project, &schema).await?;
        revision.commit().await?;
        Ok(schema)
    })
    .await
}

/// Changes a schema; a change that changes nothing leaves its time of change.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier; [`Error::Invalid`] where the type of a definition would change, or the
/// definitions become too many.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &MetadataSchemaChange,
) -> Result<MetadataSchema, Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = lock(revision.connection(), caller, identifier).await?;
        let mut changed = known.clone();
        changed.apply(change.clone()).map_err(|details| Error::Invalid { details })?;
        if (&changed.properties, changed.allow_defined_only) == (&known.properties, known.allow_defined_only) {
            return Ok(known);
        }
        changed.updated_at = Some(core.clock.now());
        db::metadata_schemas::update(revision.connection(), caller.project, &changed).await?;
        revision.commit().await?;
        Ok(changed)
    })
    .await
}

/// Deletes a schema; the metadata that followed it stays.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn delete(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let known = lock(revision.connection(), caller, identifier).await?;
        db::metadata_schemas::delete(revision.connection(), caller.project, &known.id).await?;
        revision.commit().await?;
        Ok(())
    })
    .await
}

/// Removes a key whose definition was removed from the metadata of everything that the schema is for, and drops the
/// definition.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier; [`Error::Invalid`] where the key has no removed definition, or the schema
/// is not for customers or orders.
pub async fn purge(core: &Core, caller: &Caller, identifier: &Identifier, key: &str) -> Result<Purge, Error> {
    let invalid = |details: &str| Err(Error::Invalid { details: details.to_owned() });
    retry(async || {
        let mut revision = Revision::begin(core, caller).await?;
        let mut schema = lock(revision.connection(), caller, identifier).await?;
        if !schema.properties.iter().any(|(known, definition)| known == key && definition.deleted) {
            return invalid("Property .key must be the key of a definition that was removed");
        }
        if schema.related_object == "customer" {
            revision.purged(key);
        }
        let purge = match schema.related_object.as_str() {
            "customer" => {
                let count = db::customers::purge_metadata(revision.connection(), caller.project, key).await?;
                Purge { resource: Resource::Customer, count }
            }
            "order" => {
                let count = db::orders::purge_metadata(revision.connection(), caller.project, key).await?;
                Purge { resource: Resource::Order, count }
            }
            _ => return invalid("Only the metadata of customers and of orders can be purged"),
        };
        schema.properties.retain(|(known, _)| known != key);
        schema.updated_at = Some(core.clock.now());
        db::metadata_schemas::update(revision.connection(), caller.project, &schema).await?;
        revision.commit().await?;
        Ok(purge)
    })
    .await
}

async fn lock(
    connection: &mut PgConnection,
    caller: &Caller,
    identifier: &Identifier,
) -> Result<MetadataSchema, Error> {
    db::metadata_schemas::lock(connection, caller.project, identifier)
        .await?
        .ok_or_else(|| Error::not_found(Resource::MetadataSchema, identifier.as_str()))
}
