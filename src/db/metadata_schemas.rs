//! Metadata schemas. A project has a hundred at the most, so a list of them is counted as it is read.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{MetadataSchema, of_stored, stored};
use crate::domain::project::ProjectId;

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
        let properties = of_stored(&properties).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { id, related_object, properties, allow_defined_only, created_at, updated_at })
    }
}

/// The columns of [`SchemaRow`] from the schemas that `$tail` chooses.
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

/// Adds a schema.
///
/// # Errors
/// When the database refuses; a unique violation where the project has one for the same resource.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &MetadataSchema,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO metadata_schemas
             (project_id, id, related_object, properties, allow_defined_only, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        project.0,
        schema.id,
        schema.related_object,
        &stored(&schema.properties) as &JsonText,
        schema.allow_defined_only,
        schema.created_at,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The schema with that id or, where there is none, for that resource.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<MetadataSchema>, sqlx::Error> {
    if !identifier.can_exist() {
        return Ok(None);
    }
    // The id wins where the other is named like one.
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

/// As [`find`], and keeps the schema from being changed or deleted by others until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    identifier: &Identifier,
) -> Result<Option<MetadataSchema>, sqlx::Error> {
    let Some(found) = find(connection, project, identifier).await? else { return Ok(None) };
    select_schemas!("WHERE project_id = $1 AND id = $2 FOR UPDATE", project.0, found.id)
        .fetch_optional(connection)
        .await?
        .map(MetadataSchema::try_from)
        .transpose()
}

/// Every schema of the project, by its resource.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<MetadataSchema>, sqlx::Error> {
    let rows =
        select_schemas!("WHERE project_id = $1 ORDER BY related_object", project.0).fetch_all(connection).await?;
    rows.into_iter().map(MetadataSchema::try_from).collect()
}

/// Writes what changed of a locked schema.
///
/// # Errors
/// When the database refuses.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &MetadataSchema,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE metadata_schemas SET properties = $3, allow_defined_only = $4, updated_at = $5
         WHERE project_id = $1 AND id = $2",
        project.0,
        schema.id,
        &stored(&schema.properties) as &JsonText,
        schema.allow_defined_only,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a schema.
///
/// # Errors
/// When the database refuses.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM metadata_schemas WHERE project_id = $1 AND id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(())
}
