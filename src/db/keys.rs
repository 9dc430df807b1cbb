//! The management of the keys of a project. [`credentials`](super::credentials) reads what a key gives access to.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::credential::{Family, Key};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Lists the keys that give access to a project, oldest first. A key that the options of several emulators configure
/// is listed once.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Key>, sqlx::Error> {
    let _statement = statement("keys.list");
    let rows = sqlx::query!(
        r#"SELECT family, app_id, bool_or(is_configured) AS "is_configured!", min(created_at) AS "created_at!"
           FROM credentials
           WHERE project_id = $1
           GROUP BY family, app_id
           ORDER BY min(created_at), family DESC, app_id"#,
        project.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Key {
                family: Family::parse(&row.family)?,
                app_id: row.app_id,
                is_provisioned: !row.is_configured,
                created_at: row.created_at,
            })
        })
        .collect())
}

/// Counts the keys that give access to a project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    let _statement = statement("keys.count");
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM credentials WHERE project_id = $1"#, project.0)
        .fetch_one(connection)
        .await
}

/// Locks a server key until the transaction ends, so that no other transaction revokes it. Returns `false` when the
/// key does not give access to that project, or is revoked.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_server_key(
    connection: &mut PgConnection,
    project: ProjectId,
    app_id: &str,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("keys.lock_server_key");
    let row = sqlx::query!(
        "SELECT 1 AS one FROM credentials
         WHERE family = 'server' AND app_id = $1 AND project_id = $2
         FOR SHARE",
        app_id,
        project.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Revokes a key of a project, which is final. Returns `false` when the project has no key of that family with that
/// id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn revoke(
    connection: &mut PgConnection,
    project: ProjectId,
    family: Family,
    app_id: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("keys.revoke");
    let result = sqlx::query!(
        "UPDATE credentials SET project_id = NULL, revoked_at = $4
         WHERE family = $1 AND app_id = $2 AND project_id = $3",
        family.as_str(),
        app_id,
        project.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() > 0)
}
