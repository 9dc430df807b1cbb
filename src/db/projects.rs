//! Projects and organisations.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::{OrganisationId, ProjectId};

/// A project to add; its settings are the defaults.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    pub organisation: OrganisationId,
    /// Whether it is the default project.
    pub is_sandbox: bool,
    /// Signs what its webhooks send.
    pub webhook_token: String,
    pub created_at: DateTime<Utc>,
}

/// Adds a project.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &NewProject) -> Result<ProjectId, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (public_id, name, organisation_id, is_sandbox, webhook_token, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id",
        new.public_id,
        new.name,
        new.organisation.0,
        new.is_sandbox,
        new.webhook_token,
        new.created_at
    )
    .fetch_one(connection)
    .await?;
    Ok(ProjectId(id))
}

/// Keeps others from adding keys and tokens of a project until the transaction ends, and from deleting it; `false` where it is
/// gone.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    // Weaker than what would stand in the way of rows that refer to the project.
    let row = sqlx::query!("SELECT 1 AS one FROM projects WHERE id = $1 FOR NO KEY UPDATE", project.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Adds an organisation.
///
/// # Errors
/// When the database refuses.
pub async fn insert_organisation(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<OrganisationId, sqlx::Error> {
    let id = sqlx::query_scalar!("INSERT INTO organisations (created_at) VALUES ($1) RETURNING id", now)
        .fetch_one(connection)
        .await?;
    Ok(OrganisationId(id))
}

/// Whether a project has that name, or that public id.
///
/// # Errors
/// When the database refuses.
pub async fn is_called(connection: &mut PgConnection, project: ProjectId, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM projects WHERE id = $1 AND (name = $2 OR public_id = $2)) AS "is_called!""#,
        project.0,
        name
    )
    .fetch_one(connection)
    .await
}
