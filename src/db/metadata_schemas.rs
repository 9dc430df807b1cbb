//! Metadata schemas. A project has at most a hundred, so a list reads all of them and needs no stored count.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{MetadataSchema, definitions_from_json, definitions_to_json};
use crate::domain::project::ProjectId;
use crate::trace::statement;

struct SchemaRow {
    id: String,
    related_object: String,
    properties: JsonText,
    allow_defined_only: Option<bool>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl TryFrom<SchemaRow> for MetadataSchema {
    type Error = sqlx::Error;

    fn try_from(row: SchemaRow) -> Result<Self, sqlx::Error> {
        let SchemaRow { id, related_object, properties, allow_defined_only, created_at, updated_at } = row;
        let properties = definitions_from_json(&properties).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { id, related_object, properties, allow_defined_only, created_at, updated_at })
    }
}

/// Selects the columns of [`SchemaRow`] from `metadata_schemas`, with the rest of the statement from `WHERE` on.
macro_rules! select_schemas {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            SchemaRow,
            r#"SELECT id, related_object, properties AS "properties: JsonText", allow_defined_only, created_at, updated_at
               FROM metadata_schemas "# + $tail,
            $($argument),*
        )
    };
}

/// Inserts a schema.
///
/// # Errors
/// Returns an error when the database query fails; a unique violation when the project has a schema for the same
/// resource.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &MetadataSchema,
) -> Result<(), sqlx::Error> {
    let _statement = statement("metadata_schemas.insert");
    sqlx::query!(
        "INSERT INTO metadata_schemas
             (project_id, id, related_object, properties, allow_defined_only, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        project.0,
        schema.id,
        schema.related_object,
        &definitions_to_json(&schema.properties) as &JsonText,
        schema.allow_defined_only,
        schema.created_at,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds the schema with that id or, when there is none, the schema for that resource.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<MetadataSchema>, sqlx::Error> {
    let _statement = statement("metadata_schemas.find");
    if !identifier.can_exist() {
        return Ok(None);
    }
    // The id takes precedence when the resource of another schema has the same text.
    select_schemas!(
        "WHERE project_id = $1 AND (id = $2 OR related_object = $2) ORDER BY id = $2 DESC LIMIT 1",
        project.0,
        identifier.as_str()
    )
    .fetch_optional(connection)
    .await?
    .map(MetadataSchema::try_from)
    .transpose()
}

/// Does the same as [`find`], and locks the schema until the transaction ends, so that no other transaction changes or
/// deletes it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<MetadataSchema>, sqlx::Error> {
    let _statement = statement("metadata_schemas.lock");
    let Some(found) = find(connection, project, identifier).await? else { return Ok(None) };
    select_schemas!("WHERE project_id = $1 AND id = $2 FOR UPDATE", project.0, found.id)
        .fetch_optional(connection)
        .await?
        .map(MetadataSchema::try_from)
        .transpose()
}

/// Lists all schemas of the project, sorted by their resources.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<MetadataSchema>, sqlx::Error> {
    let _statement = statement("metadata_schemas.list");
    let rows =
        select_schemas!("WHERE project_id = $1 ORDER BY related_object", project.0).fetch_all(connection).await?;
    rows.into_iter().map(MetadataSchema::try_from).collect()
}

/// Updates a locked schema.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &MetadataSchema,
) -> Result<(), sqlx::Error> {
    let _statement = statement("metadata_schemas.update");
    sqlx::query!(
        "UPDATE metadata_schemas SET properties = $3, allow_defined_only = $4, updated_at = $5
         WHERE project_id = $1 AND id = $2",
        project.0,
        schema.id,
        &definitions_to_json(&schema.properties) as &JsonText,
        schema.allow_defined_only,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes a schema.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<(), sqlx::Error> {
    let _statement = statement("metadata_schemas.delete");
    sqlx::query!("DELETE FROM metadata_schemas WHERE project_id = $1 AND id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(())
}
