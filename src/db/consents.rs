//! Consents and what customers say to them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::consent::Consent;
use crate::domain::project::ProjectId;

/// Defines the consents that are named here for the first time.
///
/// # Errors
/// When the database refuses.
pub async fn define(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO consents (project_id, id, name, created_at) SELECT $1, id, id, $3 FROM unnest($2::text[]) AS id ORDER BY id
         ON CONFLICT (project_id, id) DO NOTHING",
        project.0,
        ids,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records what a customer says to consents, and returns those to which that is news: each with whether it is given now.
/// What was never given is not revoked.
///
/// # Errors
/// When the database refuses.
pub async fn set(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    consents: &[(String, bool)],
    now: DateTime<Utc>,
) -> Result<Vec<(Consent, bool)>, sqlx::Error> {
    let (ids, given): (Vec<String>, Vec<bool>) = consents.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"WITH said AS (
               SELECT said.id, said.given, coalesce(held.given, false) AS before
               FROM unnest($3::text[], $4::boolean[]) AS said (id, given)
               LEFT JOIN customer_consents held
                   ON held.project_id = $1 AND held.customer_id = $2 AND held.consent_id = said.id
           ),
           kept AS (
               INSERT INTO customer_consents (project_id, customer_id, consent_id, given, updated_at)
               SELECT $1, $2, id, given, $5 FROM said
               ON CONFLICT (project_id, customer_id, consent_id)
                   DO UPDATE SET given = excluded.given, updated_at = excluded.updated_at
           )
           SELECT said.id AS "id!", consents.name, said.given AS "given!"
           FROM said JOIN consents ON consents.project_id = $1 AND consents.id = said.id
           WHERE said.given <> said.before
           ORDER BY said.id"#,
        project.0,
        customer_id,
        &ids,
        &given,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (Consent { id: row.id, name: row.name }, row.given)).collect())
}

/// Revokes everything that a customer has given, and returns it.
///
/// # Errors
/// When the database refuses.
pub async fn revoke_all(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Consent>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE customer_consents held SET given = false, updated_at = $3
         FROM consents
         WHERE held.project_id = $1 AND held.customer_id = $2 AND held.given
             AND consents.project_id = held.project_id AND consents.id = held.consent_id
         RETURNING consents.id, consents.name",
        project.0,
        customer_id,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| Consent { id: row.id, name: row.name }).collect())
}
