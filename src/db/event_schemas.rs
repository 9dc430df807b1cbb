//! Custom-event schemas. A project has a hundred at the most, so a list of them is counted as it is read.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::metadata_schema::{EventSchema, of_stored, stored};
use crate::domain::project::ProjectId;

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
        let properties = of_stored(&properties).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { id, name, properties, created_at, updated_at })
    }
}

/// The columns of [`SchemaRow`] from the schemas that `$tail` chooses.
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

/// Adds a schema.
///
/// # Errors
/// When the database refuses; a unique violation where the project has one of the same name.
pub async fn insert(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &EventSchema,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO custom_event_schemas (project_id, id, name, properties, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        project.0,
        schema.id,
        schema.name,
        &stored(&schema.properties) as &JsonText,
        schema.created_at,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The schema with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<EventSchema>, sqlx::Error> {
    select_schemas!("WHERE project_id = $1 AND id = $2", project.0, id)
        .fetch_optional(connection)
        .await?
        .map(EventSchema::try_from)
        .transpose()
}

/// As [`find`], and keeps the schema from being changed or deleted by others until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<Option<EventSchema>, sqlx::Error> {
    select_schemas!("WHERE project_id = $1 AND id = $2 FOR UPDATE", project.0, id)
        .fetch_optional(connection)
        .await?
        .map(EventSchema::try_from)
        .transpose()
}

/// Every schema of the project, by its name.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<EventSchema>, sqlx::Error> {
    let rows = select_schemas!("WHERE project_id = $1 ORDER BY name", project.0).fetch_all(connection).await?;
    rows.into_iter().map(EventSchema::try_from).collect()
}

/// Writes what changed of a locked schema.
///
/// # Errors
/// When the database refuses.
pub async fn update(
    connection: &mut PgConnection,
    project: ProjectId,
    schema: &EventSchema,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE custom_event_schemas SET properties = $3, updated_at = $4 WHERE project_id = $1 AND id = $2",
        project.0,
        schema.id,
        &stored(&schema.properties) as &JsonText,
        schema.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a schema; `false` where there is none.
///
/// # Errors
/// When the database refuses.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM custom_event_schemas WHERE project_id = $1 AND id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}
