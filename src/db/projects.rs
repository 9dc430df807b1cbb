//! Projects and the keys that open them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;

/// What is stored of a server key.
#[derive(Clone, Debug)]
pub struct Credential {
    pub project: ProjectId,
    /// 32 bytes.
    pub token_sha256: Vec<u8>,
    /// Whether it was asked for, and did not just come by itself.
    pub is_configured: bool,
}

/// The key with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find_credential(connection: &mut PgConnection, app_id: &str) -> Result<Option<Credential>, sqlx::Error> {
    let row = sqlx::query!("SELECT project_id, token_sha256, is_configured FROM credentials WHERE app_id = $1", app_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| Credential {
        project: ProjectId(row.project_id),
        token_sha256: row.token_sha256,
        is_configured: row.is_configured,
    }))
}

/// Adds a project.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    public_id: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<ProjectId, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (public_id, name, created_at) VALUES ($1, $2, $3) RETURNING id",
        public_id,
        name,
        now
    )
    .fetch_one(connection)
    .await?;
    Ok(ProjectId(id))
}

/// Adds a server key to a project; `false` where the id is taken.
///
/// # Errors
/// When the database refuses.
pub async fn insert_credential(
    connection: &mut PgConnection,
    app_id: &str,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO credentials (app_id, token_sha256, project_id, is_configured, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (app_id) DO NOTHING",
        app_id,
        credential.token_sha256,
        credential.project.0,
        credential.is_configured,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a server key one that was asked for, with that token.
///
/// # Errors
/// When the database refuses.
pub async fn configure_credential(
    connection: &mut PgConnection,
    app_id: &str,
    token_sha256: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE credentials SET token_sha256 = $2, is_configured = true WHERE app_id = $1",
        app_id,
        token_sha256
    )
    .execute(connection)
    .await?;
    Ok(())
}
