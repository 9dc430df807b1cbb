//! Custom-event schemas. A project has at most a hundred, so a list reads all of them and needs no stored count.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{EventSchema, definitions_from_json, definitions_to_json};
use crate::domain::project::ProjectId;
use crate::trace::statement;

struct SchemaRow {
    id: String,
    name: String,
    properties: JsonText,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl TryFrom<SchemaRow> for EventSchema {
    type Error = sqlx::Error;

    fn try_from(row: SchemaRow) -> Result<Self, sqlx::Error> {
        let SchemaRow { id, name, properties, created_at, updated_at } = row;
        let properties = definitions_from_json(&properties).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { id, name, properties, created_at, updated_at })
    }
}

/// Selects the columns of [`SchemaRow`] from `custom_event_schemas`, with the rest of the statement from `WHERE` on.
macro_rules! select_schemas {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            SchemaRow,
            r#"SELECT id, name, properties AS "properties: JsonText", created_at, updated_at
               FROM custom_event_schemas "# + $tail,
            $($argument),*
        )
    };
}

/// Inserts a schema.
///
/// # Errors
/// Returns an error when the database query fails; a unique violation when the project has a schema with the same
/// name.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &EventSchema,
) -> Result<(), sqlx::Error> {
    let _statement = statement("event_schemas.insert");
    sqlx::query!(
        "INSERT INTO custom_event_schemas (project_id, id, name, properties, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        project.0,
        schema.id,
        schema.name,
        &definitions_to_json(&schema.properties) as &JsonText,
        schema.created_at,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds the schema with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<EventSchema>, sqlx::Error> {
    let _statement = statement("event_schemas.find");
    select_schemas!("WHERE project_id = $1 AND id = $2", project.0, id)
        .fetch_optional(connection)
        .await?
        .map(EventSchema::try_from)
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
    id: &str,
) -> Result<Option<EventSchema>, sqlx::Error> {
    let _statement = statement("event_schemas.lock");
    select_schemas!("WHERE project_id = $1 AND id = $2 FOR UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?
        .map(EventSchema::try_from)
        .transpose()
}

/// Lists all schemas of the project, sorted by their names.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<EventSchema>, sqlx::Error> {
    let _statement = statement("event_schemas.list");
    let rows = select_schemas!("WHERE project_id = $1 ORDER BY name", project.0).fetch_all(connection).await?;
    rows.into_iter().map(EventSchema::try_from).collect()
}

/// Updates a locked schema.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &EventSchema,
) -> Result<(), sqlx::Error> {
    let _statement = statement("event_schemas.update");
    sqlx::query!(
        "UPDATE custom_event_schemas SET properties = $3, updated_at = $4 WHERE project_id = $1 AND id = $2",
        project.0,
        schema.id,
        &definitions_to_json(&schema.properties) as &JsonText,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes a schema. Returns `false` when there is none with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("event_schemas.delete");
    let result = sqlx::query!("DELETE FROM custom_event_schemas WHERE project_id = $1 AND id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(result.rows_affected() == 1)
}
