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
    /// Of a key that options name, the server key that they name with it, itself included.
    pub named_with: Option<String>,
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
    /// As in [`Credential`], of the key.
    pub named_with: Option<String>,
    pub client_access: Arc<ClientAccess>,
}

/// The key of that family with that id: where options of several emulators name it, the one that was named with the server key
/// `server`, or else any.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    server: &str,
) -> Result<Option<Credential>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT project_id, c.organisation_id, token_sha256, is_configured, NULLIF(named_with, '') AS named_with,
               json_strip_nulls(json_build_object(
                   'client_trusted_domains', settings -> 'client_trusted_domains',
                   'client_create_customer_enabled', settings -> 'client_create_customer_enabled',
                   'client_loyalty_events_enabled', settings -> 'client_loyalty_events_enabled'))::text AS "client_access!"
           FROM credentials c LEFT JOIN projects p ON p.id = c.project_id
           WHERE family = $1 AND app_id = $2
           ORDER BY named_with = $3 DESC
           LIMIT 1"#,
        family.as_str(),
        app_id,
        server
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
        named_with: row.named_with,
        client_access: client_access(&row.client_access),
    }))
}

/// The settings of the client side.
fn client_access(settings: &str) -> Arc<ClientAccess> {
    // What was stored was written by this program.
    Arc::new(serde_json::from_str(settings).unwrap_or_default())
}

/// The token with that digest, of a key that opens something, expired or not.
///
/// # Errors
/// When the database refuses.
pub async fn find_token(connection: &mut PgConnection, token_sha256: &[u8]) -> Result<Option<Token>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT t.project_id, t.app_id, scope, expires_at, is_configured, NULLIF(named_with, '') AS named_with,
               json_strip_nulls(json_build_object(
                   'client_trusted_domains', settings -> 'client_trusted_domains',
                   'client_create_customer_enabled', settings -> 'client_create_customer_enabled',
                   'client_loyalty_events_enabled', settings -> 'client_loyalty_events_enabled'))::text AS "client_access!"
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
        named_with: row.named_with,
        client_access: client_access(&row.client_access),
    }))
}

/// Adds a key; `false` where its family has one with that id, which opens something or did, and that was named with the same server
/// key, if options name it.
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
        "INSERT INTO credentials
             (family, app_id, token_sha256, project_id, organisation_id, is_configured, created_at, named_with)
         VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE($8, ''))
         ON CONFLICT (app_id, family, named_with) DO NOTHING",
        family.as_str(),
        app_id,
        credential.token_sha256,
        project,
        organisation,
        credential.is_configured,
        now,
        credential.named_with
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a key of any family has that id and was asked for, whatever became of it.
///
/// # Errors
/// When the database refuses.
pub async fn is_asked_for(connection: &mut PgConnection, app_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM credentials WHERE app_id = $1 AND is_configured) AS "is_asked_for!""#,
        app_id
    )
    .fetch_one(connection)
    .await
}

/// Lets one transaction at a time give something to keys of that id that were never seen.
///
/// # Errors
/// When the database refuses.
pub async fn lock_id(connection: &mut PgConnection, app_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(8682, hashtext($1)) IS NULL AS locked", app_id)
        .fetch_one(connection)
        .await?;
    Ok(())
}
