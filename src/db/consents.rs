//! Consents, their groups, and what customers say to them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::consent::{Consent, ConsentDefinition, ConsentGroup};
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

/// Defines a consent anew, or for the first time, and returns the definition.
///
/// # Errors
/// When the database refuses.
pub async fn save(
    connection: &mut PgConnection,
    project: ProjectId,
    consent: &ConsentDefinition,
) -> Result<ConsentDefinition, sqlx::Error> {
    sqlx::query_as!(
        ConsentDefinition,
        "INSERT INTO consents (project_id, id, name, description, category, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (project_id, id) DO UPDATE
             SET name = excluded.name, description = excluded.description, category = excluded.category,
                 updated_at = excluded.created_at
         RETURNING id, name, description, category, created_at, updated_at",
        project.0,
        consent.id,
        consent.name,
        consent.description,
        consent.category,
        consent.created_at
    )
    .fetch_one(connection)
    .await
}

/// Every definition, the newest last.
///
/// # Errors
/// When the database refuses.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<ConsentDefinition>, sqlx::Error> {
    sqlx::query_as!(
        ConsentDefinition,
        "SELECT id, name, description, category, created_at, updated_at
         FROM consents WHERE project_id = $1 ORDER BY created_at, id",
        project.0
    )
    .fetch_all(connection)
    .await
}

/// Removes a definition, with what customers said to it and from the groups that name it; `false` where there is none.
///
/// # Errors
/// When the database refuses; a foreign key error where a customer or a group took it up meanwhile.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH said AS (DELETE FROM customer_consents WHERE project_id = $1 AND consent_id = $2),
           named AS (DELETE FROM consent_group_members WHERE project_id = $1 AND consent_id = $2),
           consent AS (DELETE FROM consents WHERE project_id = $1 AND id = $2 RETURNING id)
           SELECT EXISTS (SELECT FROM consent) AS "deleted!""#,
        project.0,
        id
    )
    .fetch_one(connection)
    .await
}

/// Where in `ids` the first one stands that is no consent's, from 0.
///
/// # Errors
/// When the database refuses.
pub async fn position_of_undefined(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT min(given.position) - 1
           FROM unnest($2::text[]) WITH ORDINALITY AS given (id, position)
           WHERE NOT EXISTS (SELECT FROM consents WHERE project_id = $1 AND consents.id = given.id)"#,
        project.0,
        ids
    )
    .fetch_one(connection)
    .await
}

/// Defines a group anew, or for the first time, with the consents that it names, each once, and returns it.
///
/// # Errors
/// When the database refuses; a foreign key error where a consent is not defined.
pub async fn save_group(
    connection: &mut PgConnection,
    project: ProjectId,
    group: &ConsentGroup,
) -> Result<ConsentGroup, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO consent_groups (project_id, id, name, description, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (project_id, id) DO UPDATE
             SET name = excluded.name, description = excluded.description, updated_at = excluded.created_at",
        project.0,
        group.id,
        group.name,
        group.description,
        group.created_at
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM consent_group_members WHERE project_id = $1 AND group_id = $2", project.0, group.id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO consent_group_members (project_id, group_id, consent_id, position)
         SELECT $1, $2, given.id, given.position
         FROM unnest($3::text[]) WITH ORDINALITY AS given (id, position) ORDER BY given.position
         ON CONFLICT DO NOTHING",
        project.0,
        group.id,
        &group.consents
    )
    .execute(&mut *connection)
    .await?;
    groups(connection, project, Some(&group.id)).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

/// Every group, the newest last.
///
/// # Errors
/// When the database refuses.
pub async fn list_groups(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<ConsentGroup>, sqlx::Error> {
    groups(connection, project, None).await
}

/// The groups, or the one with that id.
async fn groups(
    connection: &mut PgConnection,
    project: ProjectId,
    id: Option<&str>,
) -> Result<Vec<ConsentGroup>, sqlx::Error> {
    sqlx::query_as!(
        ConsentGroup,
        r#"SELECT id, name, description, created_at, updated_at,
                  ARRAY(SELECT consent_id FROM consent_group_members members
                        WHERE members.project_id = $1 AND members.group_id = consent_groups.id
                        ORDER BY position) AS "consents!"
           FROM consent_groups WHERE project_id = $1 AND ($2::text IS NULL OR id = $2)
           ORDER BY created_at, id"#,
        project.0,
        id
    )
    .fetch_all(connection)
    .await
}

/// Removes a group; its consents stay. `false` where there is none.
///
/// # Errors
/// When the database refuses; a foreign key error where the group was defined anew meanwhile.
pub async fn delete_group(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH members AS (DELETE FROM consent_group_members WHERE project_id = $1 AND group_id = $2),
           consent_group AS (DELETE FROM consent_groups WHERE project_id = $1 AND id = $2 RETURNING id)
           SELECT EXISTS (SELECT FROM consent_group) AS "deleted!""#,
        project.0,
        id
    )
    .fetch_one(connection)
    .await
}
