//! Consents, their groups, and which customers have given them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::consent::{Consent, ConsentDefinition, ConsentGroup, CustomerConsent};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Inserts a definition for each of the consents that has none.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_missing(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("consents.insert_missing");
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

/// Stores for each of `consents` whether a customer gives it. Returns the consents for which this is a change, each
/// with whether it is given now. A consent that was never given cannot be revoked, so that is not a change. The customer is locked, so
/// that no other transaction changes them.
///
/// # Errors
/// Returns an error when a database query fails.
pub async fn upsert_customer_consents(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    consents: &[(String, bool)],
    now: DateTime<Utc>,
) -> Result<Vec<(Consent, bool)>, sqlx::Error> {
    let _statement = statement("consents.upsert_customer_consents");
    let (ids, given): (Vec<String>, Vec<bool>) = consents.iter().cloned().unzip();
    // Read before the write, in a statement of its own, because Citus would send a statement that does both to all servers.
    let rows = sqlx::query!(
        r#"SELECT said.id AS "id!", consents.name, said.given AS "given!"
           FROM unnest($3::text[], $4::boolean[]) AS said (id, given)
           JOIN consents ON consents.project_id = $1 AND consents.id = said.id
           LEFT JOIN customer_consents held
               ON held.project_id = $1 AND held.customer_id = $2 AND held.consent_id = said.id
           WHERE said.given <> coalesce(held.given, false)
           ORDER BY said.id"#,
        project.0,
        customer_id,
        &ids,
        &given
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO customer_consents (project_id, customer_id, consent_id, given, updated_at)
         SELECT $1, $2, id, given, $5 FROM unnest($3::text[], $4::boolean[]) AS said (id, given)
         ON CONFLICT (project_id, customer_id, consent_id)
             DO UPDATE SET given = excluded.given, updated_at = excluded.updated_at",
        project.0,
        customer_id,
        &ids,
        &given,
        now
    )
    .execute(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (Consent { id: row.id, name: row.name }, row.given)).collect())
}

/// Revokes all consents that a customer has given, and returns them in the order of their ids, so that the same calls are recorded in the
/// same order every time.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn revoke_customer_consents(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Consent>, sqlx::Error> {
    let _statement = statement("consents.revoke_customer_consents");
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
    let mut revoked: Vec<_> = rows.into_iter().map(|row| Consent { id: row.id, name: row.name }).collect();
    revoked.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Ok(revoked)
}

/// Inserts or replaces the definition of a consent, and returns it.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn upsert(
    connection: &mut PgConnection,
    project: ProjectId,
    consent: &ConsentDefinition,
) -> Result<ConsentDefinition, sqlx::Error> {
    let _statement = statement("consents.upsert");
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

/// Lists all definitions, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<ConsentDefinition>, sqlx::Error> {
    let _statement = statement("consents.list");
    sqlx::query_as!(
        ConsentDefinition,
        "SELECT id, name, description, category, created_at, updated_at
         FROM consents WHERE project_id = $1 ORDER BY created_at, id",
        project.0
    )
    .fetch_all(connection)
    .await
}

/// Deletes a definition, removes it from its groups, and deletes which customers have given it. Returns `false` when
/// there is no such definition.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a customer or a group has referred to the
/// consent meanwhile.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("consents.delete");
    sqlx::query_scalar!(
        r#"WITH said AS (DELETE FROM customer_consents WHERE project_id = $1 AND consent_id = $2),
           named AS (DELETE FROM consent_group_members WHERE project_id = $1 AND consent_id = $2),
           consent AS (DELETE FROM consents WHERE project_id = $1 AND id = $2 RETURNING id)
           SELECT EXISTS (SELECT 1 FROM consent) AS "deleted!""#,
        project.0,
        id
    )
    .fetch_one(connection)
    .await
}

/// Returns the index of the first of `ids` that no consent has.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_undefined_position(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Option<i64>, sqlx::Error> {
    let _statement = statement("consents.find_undefined_position");
    sqlx::query_scalar!(
        r#"SELECT min(given.position) - 1
           FROM unnest($2::text[]) WITH ORDINALITY AS given (id, position)
           WHERE NOT EXISTS (SELECT 1 FROM consents WHERE project_id = $1 AND consents.id = given.id)"#,
        project.0,
        ids
    )
    .fetch_one(connection)
    .await
}

/// Inserts or replaces a group with its consents, of which duplicates are ignored, and returns it.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when a consent is not defined.
pub async fn upsert_group(
    connection: &mut PgConnection,
    project: ProjectId,
    group: &ConsentGroup,
) -> Result<ConsentGroup, sqlx::Error> {
    let _statement = statement("consents.upsert_group");
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
    find_groups(connection, project, Some(&group.id)).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

/// Lists all groups, oldest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_groups(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<ConsentGroup>, sqlx::Error> {
    let _statement = statement("consents.list_groups");
    find_groups(connection, project, None).await
}

/// Finds all groups, or only the one with that id.
async fn find_groups(
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

/// Deletes a group but not its consents. Returns `false` when there is no such group.
///
/// # Errors
/// Returns an error when the database query fails; a foreign key error when the group was replaced meanwhile.
pub async fn delete_group(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<bool, sqlx::Error> {
    let _statement = statement("consents.delete_group");
    sqlx::query_scalar!(
        r#"WITH members AS (DELETE FROM consent_group_members WHERE project_id = $1 AND group_id = $2),
           consent_group AS (DELETE FROM consent_groups WHERE project_id = $1 AND id = $2 RETURNING id)
           SELECT EXISTS (SELECT 1 FROM consent_group) AS "deleted!""#,
        project.0,
        id
    )
    .fetch_one(connection)
    .await
}

/// Lists the decisions of a customer on consents, by the names of the consents.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_of_customer(
    connection: &mut PgConnection,
    project: ProjectId,
    customer_id: &str,
) -> Result<Vec<CustomerConsent>, sqlx::Error> {
    let _statement = statement("consents.list_of_customer");
    sqlx::query_as!(
        CustomerConsent,
        "SELECT consents.id, consents.name, decided.given, decided.updated_at
         FROM customer_consents decided
         JOIN consents ON consents.project_id = decided.project_id AND consents.id = decided.consent_id
         WHERE decided.project_id = $1 AND decided.customer_id = $2
         ORDER BY consents.name, consents.id",
        project.0,
        customer_id
    )
    .fetch_all(connection)
    .await
}
