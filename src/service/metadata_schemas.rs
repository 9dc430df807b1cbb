//! Metadata schemas: creating, changing and deleting them, and purging the values of a removed key.

use sqlx::PgConnection;

use super::jobs::{self, JobRequest, PurgeParameters};
use super::retry::retry;
use super::rules::RulesChange;
use super::{Caller, Core, Error, Resource};
use crate::db;
use crate::domain::identifier::Identifier;
use crate::domain::job::JobType;
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::domain::metadata_schema::{Definition, MetadataSchema, MetadataSchemaChange};

/// A metadata schema to create.
#[derive(Clone, Debug)]
pub struct NewMetadataSchema {
    pub related_object: String,
    /// In the vendor's order, and not more than the limit.
    pub properties: Vec<(String, Definition)>,
    pub allow_defined_only: Option<bool>,
}

/// Creates the schema of a related object.
///
/// # Errors
/// Returns [`Error::Duplicate`] when the related object has a schema, and [`Error::Invalid`] when the project has too
/// many schemas.
pub async fn create(core: &Core, caller: &Caller, new: &NewMetadataSchema) -> Result<MetadataSchema, Error> {
    retry(async || {
        let mut rules_change = RulesChange::begin(core, caller).await?;
        let known = &rules_change.before().metadata_schemas;
        if known.iter().any(|known| known.related_object == new.related_object) {
            let (resource, value) = (Resource::MetadataSchema, new.related_object.clone());
            return Err(Error::Duplicate { resource, field: "related_object", value });
        }
        if known.len() >= limits::SCHEMAS_PER_PROJECT {
            let details = format!("A project must NOT have more than {} metadata schemas", limits::SCHEMAS_PER_PROJECT);
            return Err(Error::Invalid { details });
        }
        let schema = MetadataSchema {
            id: rules_change.ids().random("ms_"),
            related_object: new.related_object.clone(),
            properties: new.properties.clone(),
            allow_defined_only: new.allow_defined_only,
            created_at: rules_change.now(),
            updated_at: None,
        };
        db::metadata_schemas::insert(rules_change.connection(), caller.project, &schema).await?;
        rules_change.commit().await?;
        Ok(schema)
    })
    .await
}

/// Changes a schema. A request that changes nothing leaves `updated_at` as it is.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier, and [`Error::Invalid`] when the type of a definition would
/// change or there would be too many definitions.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &MetadataSchemaChange,
) -> Result<MetadataSchema, Error> {
    retry(async || {
        let mut rules_change = RulesChange::begin(core, caller).await?;
        let known = lock(rules_change.connection(), caller, identifier).await?;
        let mut changed = known.clone();
        changed.apply(change.clone()).map_err(|details| Error::Invalid { details })?;
        if (&changed.properties, changed.allow_defined_only) == (&known.properties, known.allow_defined_only) {
            return Ok(known);
        }
        changed.updated_at = Some(rules_change.now());
        db::metadata_schemas::update(rules_change.connection(), caller.project, &changed).await?;
        rules_change.commit().await?;
        Ok(changed)
    })
    .await
}

/// Deletes a schema. The metadata of existing objects stays.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn delete(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    retry(async || {
        let mut rules_change = RulesChange::begin(core, caller).await?;
        let known = lock(rules_change.connection(), caller, identifier).await?;
        db::metadata_schemas::delete(rules_change.connection(), caller.project, &known.id).await?;
        rules_change.commit().await?;
        Ok(())
    })
    .await
}

/// Accepts a job that removes a key from the metadata of all objects of the schema and drops its definition, which must
/// have been removed before. Returns the id of the job.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier, and [`Error::Invalid`] when the key has no removed definition
/// or the schema is not for customers or orders.
pub async fn purge(core: &Core, caller: &Caller, identifier: &Identifier, key: &str) -> Result<String, Error> {
    let invalid = |details: &str| Err(Error::Invalid { details: details.to_owned() });
    let mut connection = core.pool.acquire().await?;
    let found = db::metadata_schemas::find(&mut connection, caller.project, identifier).await?;
    connection.release();
    let schema = found.ok_or_else(|| Error::not_found(Resource::MetadataSchema, identifier.as_str()))?;
    if !schema.is_removed(key) {
        return invalid("Property .key must be the key of a definition that was removed");
    }
    let kind = match schema.related_object.as_str() {
        "customer" => JobType::CustomersMetadataKeyPurge,
        "order" => JobType::OrdersMetadataKeyPurge,
        _ => return invalid("Only the metadata of customers and of orders can be purged"),
    };
    let parameters = JsonText::of(&PurgeParameters { schema_id: schema.id, key: key.to_owned() });
    jobs::accept(core, caller, JobRequest { kind, parameters: Some(parameters) }, []).await
}

/// Returns the schema whose id or related object is `identifier`.
///
/// # Errors
/// Returns [`Error::NotFound`] when there is none.
pub async fn get(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<MetadataSchema, Error> {
    let mut connection = core.pool.acquire().await?;
    let found = db::metadata_schemas::find(&mut connection, caller.project, identifier).await?;
    connection.release();
    found.ok_or_else(|| Error::not_found(Resource::MetadataSchema, identifier.as_str()))
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
