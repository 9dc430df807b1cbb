//! The keys that options name, and the default project that comes with them.

use sqlx::PgConnection;

use super::credentials::Credential;
use crate::domain::credential::{Family, Opens};
use crate::domain::project::ProjectId;

/// Lets one emulator at a time see to its keys, until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(8685000000000000) IS NULL AS locked").fetch_one(connection).await?;
    Ok(())
}

/// Makes a key one that options name with the server key `server`, with that token, and to open that. One that was created for a
/// project stays one that was created. `false` where there is none, or it was revoked, and stays so.
///
/// # Errors
/// When the database refuses.
pub async fn name(
    connection: &mut PgConnection,
    family: Family,
    app_id: &str,
    server: &str,
    credential: &Credential,
) -> Result<bool, sqlx::Error> {
    let (project, organisation) = match credential.opens {
        Opens::Project(project) => (Some(project.0), None),
        Opens::Organisation(organisation) => (None, Some(organisation.0)),
        Opens::Nothing => (None, None),
    };
    let done = sqlx::query!(
        "UPDATE credentials
         SET token_sha256 = $3, is_configured = true, project_id = $4, organisation_id = $5,
             named_with = CASE WHEN is_configured THEN named_with ELSE $6 END
         WHERE family = $1 AND app_id = $2 AND named_with IN ('', $6) AND revoked_at IS NULL",
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

/// Makes a project the default project, instead of the one that was.
///
/// # Errors
/// When the database refuses.
pub async fn make_sandbox(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE projects SET is_sandbox = false WHERE is_sandbox AND id <> $1", project.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE projects SET is_sandbox = true WHERE id = $1 AND NOT is_sandbox", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
