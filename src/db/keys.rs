//! The keys of a project, for whoever looks after them. What they open is in [`credentials`](super::credentials).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::credential::{Family, Key};
use crate::domain::project::ProjectId;

/// Every key that opens a project, oldest first. One that options of several emulators name is there once.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Key>, sqlx::Error> {
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

/// How many keys open a project.
///
/// # Errors
/// When the database refuses.
pub async fn count(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM credentials WHERE project_id = $1"#, project.0)
        .fetch_one(connection)
        .await
}

/// Keeps others from revoking a server key until the transaction ends; `false` where it does not open that project, or no more.
///
/// # Errors
/// When the database refuses.
pub async fn hold(connection: &mut PgConnection, project: ProjectId, app_id: &str) -> Result<bool, sqlx::Error> {
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

/// Revokes a key of a project for good; `false` where the project has none of that family with that id.
///
/// # Errors
/// When the database refuses.
pub async fn revoke(
    connection: &mut PgConnection,
    project: ProjectId,
    family: Family,
    app_id: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE credentials SET project_id = NULL, revoked_at = $4
         WHERE family = $1 AND app_id = $2 AND project_id = $3",
        family.as_str(),
        app_id,
        project.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
