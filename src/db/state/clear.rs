//! Removing the state of a project.

use sqlx::PgConnection;

use crate::db::project_copies::delete_rows;
use crate::db::project_deletions::skip_foreign_key_checks;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The tables that stay beside those of the keys: the faults, and how many identifiers were made from a seed, are not a part of the state.
const KEPT_TABLES: &[&str] = &["faults", "seeded_identifiers"];

/// Deletes all rows of a project except those that belong to its keys, its faults and its identifiers. The caller holds the rules lock
/// exclusively, and no job of the project runs.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn clear(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("state.clear");
    skip_foreign_key_checks(connection).await?;
    delete_rows(connection, project, KEPT_TABLES).await?;
    // Check the foreign keys of the rows that are added.
    sqlx::query!(
        "SELECT set_config('session_replication_role', 'origin', true) WHERE current_setting('is_superuser') = 'on'"
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// Returns whether a project has no object of any kind that a state document contains.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn is_empty(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("state.is_empty");
    sqlx::query_scalar!(
        r#"SELECT NOT (EXISTS (SELECT 1 FROM customers WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM orders WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM segments WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM consents WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM consent_groups WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM metadata_schemas WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM custom_event_schemas WHERE project_id = $1)
                       OR EXISTS (SELECT 1 FROM webhooks WHERE project_id = $1 AND deleted_at IS NULL)) AS "is_empty!""#,
        project.0
    )
    .fetch_one(connection)
    .await
}
