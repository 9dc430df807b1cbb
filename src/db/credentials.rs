//! Keys and tokens: what they open.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::credential::{ClientAccess, Family, Opens};
use crate::domain::project::{OrganisationId, ProjectId};

/// What is stored of a key.
#[derive(Clone, Debug)]
pub struct Credential {
    pub opens: Opens,
    /// 32 bytes.
    pub token_sha256: Vec<u8>,
    /// Whether it was asked for, and did not just come by itself.
    pub is_configured: bool,
    pub client_access: Arc<ClientAccess>,
}

/// What is stored of a token.
#[derive(Clone, Debug)]
pub struct Token {
    pub project: ProjectId,
    /// The server key that asked for it.
    pub app_id: Arc<str>,
    pub scope: String,
    pub expires_at: DateTime<Utc>,
    /// Whether the key was asked for.
    pub is_configured: bool,
    pub client_access: Arc<ClientAccess>,
}

/// The key of that family with that id.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
) -> Result<Option<Credential>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT project_id, c.organisation_id, token_sha256, is_configured, settings::text
           FROM credentials c LEFT JOIN projects p ON p.id = c.project_id
           WHERE family = $1 AND app_id = $2"#,
        family.as_str(),
        app_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Credential {
        opens: match (row.project_id, row.organisation_id) {
            (Some(project), _) => Opens::Project(ProjectId(project)),
            (None, Some(organisation)) => Opens::Organisation(OrganisationId(organisation)),
            (None, None) => Opens::Nothing,
        },
        token_sha256: row.token_sha256,
        is_configured: row.is_configured,
        client_access: client_access(row.settings.as_deref()),
    }))
}

/// The settings of the client side out of those of the project.
fn client_access(settings: Option<&str>) -> Arc<ClientAccess> {
    // What was stored was written by this program.
    Arc::new(settings.and_then(|settings| serde_json::from_str(settings).ok()).unwrap_or_default())
}

/// The token with that digest, of a key that opens something, expired or not.
///
/// # Errors
/// When the database refuses.
pub async fn find_token(connection: &mut PgConnection, token_sha256: &[u8]) -> Result<Option<Token>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT t.project_id, t.app_id, scope, expires_at, is_configured, settings::text
           FROM oauth_tokens t
           JOIN credentials c ON c.family = 'server' AND c.app_id = t.app_id AND c.project_id = t.project_id
           JOIN projects p ON p.id = t.project_id
           WHERE t.token_sha256 = $1"#,
        token_sha256
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Token {
        project: ProjectId(row.project_id),
        app_id: row.app_id.into(),
        scope: row.scope,
        expires_at: row.expires_at,
        is_configured: row.is_configured,
        client_access: client_access(row.settings.as_deref()),
    }))
}

/// Adds a key; `false` where its family has one with that id, which opens something or did.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let (project, organisation) = match credential.opens {
        Opens::Project(project) => (Some(project.0), None),
        Opens::Organisation(organisation) => (None, Some(organisation.0)),
        Opens::Nothing => (None, None),
    };
    let done = sqlx::query!(
        "INSERT INTO credentials (family, app_id, token_sha256, project_id, organisation_id, is_configured, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (family, app_id) DO NOTHING",
        family.as_str(),
        app_id,
        credential.token_sha256,
        project,
        organisation,
        credential.is_configured,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a key one that was asked for, with that token, and to open that; `false` where it was revoked, and stays so.
///
/// # Errors
/// When the database refuses.
pub async fn configure(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    credential: &Credential,
) -> Result<bool, sqlx::Error> {
    let (project, organisation) = match credential.opens {
        Opens::Project(project) => (Some(project.0), None),
        Opens::Organisation(organisation) => (None, Some(organisation.0)),
        Opens::Nothing => (None, None),
    };
    let done = sqlx::query!(
        "UPDATE credentials
         SET token_sha256 = $3, is_configured = true, project_id = $4, organisation_id = $5
         WHERE family = $1 AND app_id = $2 AND revoked_at IS NULL",
        family.as_str(),
        app_id,
        credential.token_sha256,
        project,
        organisation
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
