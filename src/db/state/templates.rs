//! Templates: hidden projects whose rows are copied to each project that is provisioned. Each is stored as a snapshot of itself, so
//! that whatever leaves out snapshots also leaves out templates.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db::project_copies::copy_rows;
use crate::db::project_deletions::skip_foreign_key_checks;
use crate::domain::project::{OrganisationId, ProjectId};
use crate::trace::statement;

/// Returns the template with that name, which is inserted without rows if there is none. `public_id` is unique and never shown.
///
/// # Errors
/// Returns an error when the database query fails; a unique violation when a concurrent transaction has inserted it.
pub async fn find_or_insert(
    connection: &mut PgConnection,
    name: &str,
    public_id: &str,
    now: DateTime<Utc>,
) -> Result<ProjectId, sqlx::Error> {
    let _statement = statement("state.templates.find_or_insert");
    let found = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE snapshot_of = id AND snapshot_name = $1 AND deleted_at IS NULL ORDER BY id LIMIT 1",
        name
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(id) = found {
        return Ok(ProjectId(id));
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (id, organisation_id, public_id, name, webhook_token, snapshot_of, snapshot_name,
                               snapshot_counts, created_at)
         OVERRIDING SYSTEM VALUE
         SELECT number, $2, $3, $1, '', number, $1, '{}', $4
         FROM nextval(pg_get_serial_sequence('projects', 'id')) AS number
         RETURNING id",
        name,
        OrganisationId::DEFAULT.0,
        public_id,
        now
    )
    .fetch_one(connection)
    .await?;
    Ok(ProjectId(id))
}

/// Lists the templates with other names.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_others(connection: &mut PgConnection, name: &str) -> Result<Vec<ProjectId>, sqlx::Error> {
    let _statement = statement("state.templates.list_others");
    let ids = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE snapshot_of = id AND snapshot_name <> $1 AND deleted_at IS NULL ORDER BY id",
        name
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// Copies the rows of a template to a new project. Returns `false` when the template was deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn copy(connection: &mut PgConnection, template: ProjectId, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("state.templates.copy");
    // The lock prevents that the template is deleted meanwhile. Its rows never change.
    let copied = sqlx::query!(
        "WITH template AS (
             SELECT rules_version, last_job_row_at, job_rows_written_at FROM projects
             WHERE id = $1 AND deleted_at IS NULL FOR SHARE
         )
         UPDATE projects
         SET rules_version = template.rules_version, last_job_row_at = template.last_job_row_at,
             job_rows_written_at = template.job_rows_written_at
         FROM template WHERE projects.id = $2",
        template.0,
        project.0
    )
    .execute(&mut *connection)
    .await?;
    if copied.rows_affected() == 0 {
        return Ok(false);
    }
    skip_foreign_key_checks(connection).await?;
    copy_rows(connection, template, project).await?;
    Ok(true)
}
