//! All rows of a project at once: they are deleted when the project is reset, and copied for its snapshots. The rules
//! lock of the project must be held exclusively.

use sqlx::PgConnection;

use super::project_deletions::TABLES;
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The tables whose rows belong to the keys of a project, so that neither a reset nor a snapshot affects them.
pub const TABLES_OF_KEYS: &[&str] = &["oauth_tokens"];

/// The table of the faults, which are no part of a snapshot: a restore leaves them as they are.
pub const TABLES_OF_FAULTS: &[&str] = &["faults"];

/// The tables that have rows of unfinished work only, which is not copied. Of other tables, `copy_project_rows` leaves
/// out such rows.
pub const TABLES_OF_UNFINISHED_WORK: &[&str] = &["job_slices"];

/// Locks a project, so that no row with a foreign key to it is added until the transaction ends: jobs and static segments
/// are added without the rules lock. Returns `false` when the project is deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("project_copies.lock");
    let row = sqlx::query!("SELECT id FROM projects WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", project.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Locks the unfinished jobs of a project that no worker has locked. Returns whether these are all.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn try_lock_unfinished_jobs(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("project_copies.try_lock_unfinished_jobs");
    sqlx::query_scalar!(
        r#"WITH free AS (
               SELECT id FROM jobs WHERE project_id = $1 AND outcome IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
           )
           SELECT (SELECT count(*) FROM jobs WHERE project_id = $1 AND outcome IS NULL) = (SELECT count(*) FROM free)
               AS "are_all!""#,
        project.0
    )
    .fetch_one(connection)
    .await
}

/// Deletes all rows of a project, except those of its keys and of the `kept` tables.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_rows(connection: &mut PgConnection, project: ProjectId, kept: &[&str]) -> Result<(), sqlx::Error> {
    let _statement = statement("project_copies.delete_rows");
    let tables = tables_without(&[TABLES_OF_KEYS, kept]);
    sqlx::query!("SELECT delete_project_rows($1, $2)::text AS done", project.0, &tables as &[&str])
        .fetch_one(connection)
        .await
        .map(drop)
}

/// Copies the rows of `source` to `target`, a project without rows. Unfinished jobs, deliveries that are due, faults, and
/// what belongs to the keys are not copied.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn copy_rows(connection: &mut PgConnection, source: ProjectId, target: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("project_copies.copy_rows");
    let mut tables = tables_without(&[TABLES_OF_KEYS, TABLES_OF_FAULTS, TABLES_OF_UNFINISHED_WORK]);
    // A row is copied after the rows that it refers to.
    tables.reverse();
    sqlx::query!("SELECT copy_project_rows($1, $2, $3)::text AS done", source.0, target.0, &tables as &[&str])
        .fetch_one(connection)
        .await
        .map(drop)
}

fn tables_without(left_out: &[&[&str]]) -> Vec<&'static str> {
    TABLES.iter().copied().filter(|table| !left_out.iter().any(|tables| tables.contains(table))).collect()
}
