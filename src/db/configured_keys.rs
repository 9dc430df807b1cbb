//! The keys that command line options configure, and the default project that belongs to them.

use sqlx::PgConnection;

use super::credentials::Credential;
use crate::domain::credential::{Family, Grant};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Locks the configuration of keys until the transaction ends, so that emulators configure their keys one after the
/// other.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("configured_keys.lock");
    sqlx::query!("SELECT pg_advisory_xact_lock('credentials'::regclass::oid::bigint << 32) IS NULL AS locked")
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// Updates an existing key with the token and the access that the options of the emulator with the server key
/// `server` configure. An auto-provisioned key becomes a configured one; a key that was created through the API of
/// its project stays such a key. Returns `false` when there is no such key or it is revoked, which is final.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    server: &str,
    credential: &Credential,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("configured_keys.update");
    let (project, organisation) = match credential.grant {
        Grant::Project(project) => (Some(project.0), None),
        Grant::Organisation(organisation) => (None, Some(organisation.0)),
        Grant::Nothing => (None, None),
    };
    let done = sqlx::query!(
        "UPDATE credentials
         SET token_sha256 = $3, is_configured = true, project_id = $4, organisation_id = $5,
             configured_by_app_id = CASE WHEN is_configured THEN configured_by_app_id ELSE $6 END
         WHERE family = $1 AND app_id = $2 AND configured_by_app_id IN ('', $6) AND revoked_at IS NULL",
        family.as_str(),
        app_id,
        credential.token_sha256,
        project,
        organisation,
        server
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a project the default project, in place of the previous one.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn make_sandbox(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("configured_keys.make_sandbox");
    sqlx::query!("UPDATE projects SET is_sandbox = false WHERE is_sandbox AND id <> $1", project.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE projects SET is_sandbox = true WHERE id = $1 AND NOT is_sandbox", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
