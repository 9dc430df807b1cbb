//! The definitions of consents and groups of a state document.

use sqlx::PgConnection;

use crate::domain::consent::{ConsentDefinition, ConsentGroup};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Inserts or replaces the definition of a consent with its times.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save_consent(
    connection: &mut PgConnection,
    project: ProjectId,
    consent: &ConsentDefinition,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.save_consent");
    sqlx::query!(
        "INSERT INTO consents (project_id, id, name, description, category, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (project_id, id) DO UPDATE
             SET name = excluded.name, description = excluded.description, category = excluded.category,
                 created_at = excluded.created_at, updated_at = excluded.updated_at",
        project.0,
        consent.id,
        consent.name,
        consent.description,
        consent.category,
        consent.created_at,
        consent.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts or replaces a group of consents with its times. Its consents are defined.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn save_consent_group(
    connection: &mut PgConnection,
    project: ProjectId,
    group: &ConsentGroup,
) -> Result<(), sqlx::Error> {
    let _statement = statement("state.save_consent_group");
    crate::db::consents::upsert_group(&mut *connection, project, group).await?;
    sqlx::query!(
        "UPDATE consent_groups SET created_at = $3, updated_at = $4 WHERE project_id = $1 AND id = $2",
        project.0,
        group.id,
        group.created_at,
        group.updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}
