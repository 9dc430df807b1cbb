//! Keys and tokens, and what each of them gives access to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::batch_queue::BatchStatement;
use crate::domain::credential::{Family, Grant};
use crate::domain::project::{ClientAccess, OrganisationId, ProjectId};
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_control::ProjectControl;
use crate::trace::statement;

/// A stored key.
#[derive(Clone, Debug)]
pub struct Credential {
    pub grant: Grant,
    /// 32 bytes.
    pub token_sha256: Vec<u8>,
    /// Whether options or a request created the key; `false` for an auto-provisioned one.
    pub is_configured: bool,
    /// For a key that options configure, the server key that the same options configure, which may be the key itself.
    pub configured_by_app_id: Option<String>,
    pub client_access: Arc<ClientAccess>,
    pub control: ProjectControl,
}

/// A stored token.
#[derive(Clone, Debug)]
pub struct Token {
    pub project: ProjectId,
    /// The server key that requested the token.
    pub app_id: Arc<str>,
    pub scope: String,
    pub expires_at: DateTime<Utc>,
    /// [`Credential::is_configured`] of that key.
    pub is_configured: bool,
    /// [`Credential::configured_by_app_id`] of that key.
    pub configured_by_app_id: Option<String>,
    pub client_access: Arc<ClientAccess>,
    pub control: ProjectControl,
}

/// Selects `$columns`, the column `client_access` with the JSON of [`ClientAccess`], and the columns that `control` reads, both
/// from the project `p`, with the rest of the statement from `FROM` on.
macro_rules! select_with_project {
    ($columns:literal, $rest:literal, $($argument:expr),*) => {
        sqlx::query!(
            "SELECT " + $columns + r#", json_strip_nulls(json_build_object(
                   'client_trusted_domains', p.settings -> 'client_trusted_domains',
                   'client_create_customer_enabled', p.settings -> 'client_create_customer_enabled',
                   'client_loyalty_events_enabled', p.settings -> 'client_loyalty_events_enabled'))::text AS "client_access!",
                   p.clock_offset_micros AS "clock_offset_micros?", p.clock_frozen_at AS "clock_frozen_at?",
                   p.identifier_seed IS NOT NULL AS "is_seeded!", COALESCE(p.is_strict, false) AS "is_strict!",
                   p.faults_version AS "faults_version?" "#
                + $rest,
            $($argument),*
        )
    };
}

/// Returns the [`ProjectControl`] in a row of `select_with_project`.
macro_rules! control {
    ($row:ident) => {
        ProjectControl {
            clock: ProjectClock::from_stored($row.clock_offset_micros, $row.clock_frozen_at),
            is_seeded: $row.is_seeded,
            is_strict: $row.is_strict,
            faults_version: $row.faults_version,
        }
    };
}

/// Finds a key by its family and its id. When the options of several emulators configure that id, the key that was
/// configured with the server key `server` is preferred.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    server: &str,
) -> Result<Option<Credential>, sqlx::Error> {
    let _statement = statement("credentials.find");
    let row = select_with_project!(
        "project_id, c.organisation_id, token_sha256, is_configured, NULLIF(configured_by_app_id, '') AS configured_by_app_id",
        "FROM credentials c LEFT JOIN projects p ON p.id = c.project_id
         WHERE family = $1 AND app_id = $2
         ORDER BY configured_by_app_id = $3 DESC
         LIMIT 1",
        family.as_str(),
        app_id,
        server
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Credential {
        grant: grant(row.project_id, row.organisation_id),
        token_sha256: row.token_sha256,
        is_configured: row.is_configured,
        configured_by_app_id: row.configured_by_app_id,
        client_access: parse_client_access(&row.client_access),
        control: control!(row),
    }))
}

/// Which key to find: the arguments of [`find`].
#[derive(Clone, Debug)]
pub struct CredentialRequest {
    pub family: Family,
    pub app_id: String,
    pub server: String,
}

/// Finds the key of each request, as [`find`] does.
#[derive(Debug)]
pub struct FindCredentials;

impl BatchStatement for FindCredentials {
    type Request = CredentialRequest;
    type Answer = Option<Credential>;
    const NAME: &'static str = "credentials.find";

    fn project(_: &CredentialRequest) -> Option<ProjectId> {
        None
    }

    async fn run(
        connection: &mut PgConnection,
        requests: &[CredentialRequest],
        _is_distributed: bool,
    ) -> Result<Vec<Option<Credential>>, sqlx::Error> {
        if let [CredentialRequest { family, app_id, server }] = requests {
            return Ok(vec![find(connection, *family, app_id, server).await?]);
        }
        let rows = select_with_project!(
            r#"given.number AS "number!", c.project_id, c.organisation_id, token_sha256, is_configured,
               NULLIF(configured_by_app_id, '') AS configured_by_app_id"#,
            "FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS given (family, app_id, server, number)
             CROSS JOIN LATERAL (
                 SELECT * FROM credentials WHERE family = given.family AND app_id = given.app_id
                 ORDER BY configured_by_app_id = given.server DESC LIMIT 1
             ) c
             LEFT JOIN projects p ON p.id = c.project_id",
            &requests.iter().map(|request| request.family.as_str()).collect::<Vec<_>>() as &[&str],
            &requests.iter().map(|request| request.app_id.as_str()).collect::<Vec<_>>() as &[&str],
            &requests.iter().map(|request| request.server.as_str()).collect::<Vec<_>>() as &[&str]
        )
        .fetch_all(connection)
        .await?;
        let mut found: Vec<_> = requests.iter().map(|_| None).collect();
        for row in rows {
            if let Some(place) = usize::try_from(row.number - 1).ok().and_then(|index| found.get_mut(index)) {
                *place = Some(Credential {
                    grant: grant(row.project_id, row.organisation_id),
                    token_sha256: row.token_sha256,
                    is_configured: row.is_configured,
                    configured_by_app_id: row.configured_by_app_id,
                    client_access: parse_client_access(&row.client_access),
                    control: control!(row),
                });
            }
        }
        Ok(found)
    }
}

fn grant(project: Option<i64>, organisation: Option<i64>) -> Grant {
    match (project, organisation) {
        (Some(project), _) => Grant::Project(ProjectId(project)),
        (None, Some(organisation)) => Grant::Organisation(OrganisationId(organisation)),
        (None, None) => Grant::Nothing,
    }
}

fn parse_client_access(json: &str) -> Arc<ClientAccess> {
    // The settings were written by this program, so they can be parsed.
    Arc::new(serde_json::from_str(json).unwrap_or_default())
}

/// Finds a token by its digest, expired or not, unless its key is revoked.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_token(connection: &mut PgConnection, token_sha256: &[u8]) -> Result<Option<Token>, sqlx::Error> {
    let _statement = statement("credentials.find_token");
    let row = select_with_project!(
        "t.project_id, t.app_id, scope, expires_at, is_configured, NULLIF(configured_by_app_id, '') AS configured_by_app_id",
        "FROM oauth_tokens t
         JOIN credentials c ON c.family = 'server' AND c.app_id = t.app_id AND c.project_id = t.project_id
         JOIN projects p ON p.id = t.project_id
         WHERE t.token_sha256 = $1",
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
        configured_by_app_id: row.configured_by_app_id,
        client_access: parse_client_access(&row.client_access),
        control: control!(row),
    }))
}

/// Inserts a key. Returns `false` when a key of that family has the same id already, revoked or not, and is
/// configured by the same server key, if by any.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("credentials.insert");
    let (project, organisation) = match credential.grant {
        Grant::Project(project) => (Some(project.0), None),
        Grant::Organisation(organisation) => (None, Some(organisation.0)),
        Grant::Nothing => (None, None),
    };
    let done = sqlx::query!(
        "INSERT INTO credentials
             (family, app_id, token_sha256, project_id, organisation_id, is_configured, created_at, configured_by_app_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE($8, ''))
         ON CONFLICT (app_id, family, configured_by_app_id) DO NOTHING",
        family.as_str(),
        app_id,
        credential.token_sha256,
        project,
        organisation,
        credential.is_configured,
        now,
        credential.configured_by_app_id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns whether a key of any family has that id and is not auto-provisioned; revoked keys count too.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn is_configured(connection: &mut PgConnection, app_id: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("credentials.is_configured");
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM credentials WHERE app_id = $1 AND is_configured) AS "is_configured!""#,
        app_id
    )
    .fetch_one(connection)
    .await
}

/// Locks an id of keys, whether keys with it exist or not, until the transaction ends, so that only one transaction
/// at a time creates keys with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_id(connection: &mut PgConnection, app_id: &str) -> Result<(), sqlx::Error> {
    let _statement = statement("credentials.lock_id");
    sqlx::query!(
        "SELECT pg_advisory_xact_lock('credentials'::regclass::oid::int, hashtext($1)) IS NULL AS locked",
        app_id
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}
