//! OAuth 2.0 tokens, which are identified by their digests. [`credentials`](super::credentials) reads what a token
//! gives access to.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::trace::statement;

/// A token to insert.
#[derive(Clone, Copy)]
pub struct NewToken<'a> {
    pub sha256: &'a [u8],
    pub project: ProjectId,
    /// The server key that requests the token.
    pub app_id: &'a str,
    pub scope: &'a str,
    pub expires_at: DateTime<Utc>,
}

/// Inserts a token.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(connection: &mut PgConnection, new: NewToken<'_>) -> Result<(), sqlx::Error> {
    let _statement = statement("oauth_tokens.insert");
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

/// Deletes the expired tokens of a project, and returns how many tokens are left.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_expired(
    connection: &mut PgConnection,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    let _statement = statement("oauth_tokens.delete_expired");
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1 AND expires_at <= $2", project.0, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM oauth_tokens WHERE project_id = $1"#, project.0)
        .fetch_one(connection)
        .await
}

/// Deletes a token of a project. Returns `false` when the project has no token with that digest that has not expired.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(
    connection: &mut PgConnection,
    project: ProjectId,
    sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("oauth_tokens.delete");
    let result = sqlx::query!(
        "DELETE FROM oauth_tokens WHERE token_sha256 = $1 AND project_id = $2 AND expires_at > $3",
        sha256,
        project.0,
        now
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Deletes all tokens that a server key of a project has requested.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_by_key(connection: &mut PgConnection, project: ProjectId, app_id: &str) -> Result<(), sqlx::Error> {
    let _statement = statement("oauth_tokens.delete_by_key");
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1 AND app_id = $2", project.0, app_id)
        .execute(connection)
        .await?;
    Ok(())
}
