//! OAuth 2.0 tokens, by the digest of each. What they open is in [`credentials`](super::credentials).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;

/// A token to add.
#[derive(Clone, Copy)]
pub struct NewToken<'a> {
    pub sha256: &'a [u8],
    pub project: ProjectId,
    /// The server key that asks for it.
    pub app_id: &'a str,
    pub scope: &'a str,
    pub expires_at: DateTime<Utc>,
}

/// Adds a token.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: NewToken<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO oauth_tokens (token_sha256, project_id, app_id, scope, expires_at) VALUES ($1, $2, $3, $4, $5)",
        new.sha256,
        new.project.0,
        new.app_id,
        new.scope,
        new.expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the tokens of a project that have expired, and tells how many it has left.
///
/// # Errors
/// When the database refuses.
pub async fn remove_expired(
    connection: &mut PgConnection,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1 AND expires_at <= $2", project.0, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM oauth_tokens WHERE project_id = $1"#, project.0)
        .fetch_one(connection)
        .await
}

/// Removes a token of a project; `false` where the project has none with that digest that is alive.
///
/// # Errors
/// When the database refuses.
pub async fn remove(
    connection: &mut PgConnection,
    project: ProjectId,
    sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM oauth_tokens WHERE token_sha256 = $1 AND project_id = $2 AND expires_at > $3",
        sha256,
        project.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes every token that a server key of a project has asked for.
///
/// # Errors
/// When the database refuses.
pub async fn remove_of_key(connection: &mut PgConnection, project: ProjectId, app_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1 AND app_id = $2", project.0, app_id)
        .execute(connection)
        .await?;
    Ok(())
}
