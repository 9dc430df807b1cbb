//! How many identifiers of each kind were made from the seeds of a project.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::domain::identifier_kind::{REQUEST, SEEDED_KINDS};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Returns how many identifiers of each kind were made from a seed, and locks these counts until the transaction ends. The count of
/// request ids is left out, because it changes outside of the transactions of the requests.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_counts(
    connection: &mut PgConnection,
    project: ProjectId,
    seed: &str,
) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let _statement = statement("seeded_identifiers.lock_counts");
    let rows = sqlx::query!(
        "SELECT kind, count FROM seeded_identifiers WHERE project_id = $1 AND seed = $2 AND kind <> $3
         ORDER BY kind FOR UPDATE",
        project.0,
        seed,
        REQUEST
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
}

/// Stores counts that [`lock_counts`] has locked.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn store_counts(
    connection: &mut PgConnection,
    project: ProjectId,
    seed: &str,
    counts: &BTreeMap<String, i64>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("seeded_identifiers.store_counts");
    let (kinds, counts): (Vec<_>, Vec<_>) = counts.iter().map(|(kind, count)| (kind.clone(), *count)).unzip();
    sqlx::query!(
        "UPDATE seeded_identifiers s SET count = given.count
         FROM unnest($3::text[], $4::bigint[]) AS given (kind, count)
         WHERE s.project_id = $1 AND s.seed = $2 AND s.kind = given.kind AND s.count <> given.count",
        project.0,
        seed,
        &kinds,
        &counts
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts one more request id of a seeded project, and returns its seed and the number of the request id, beginning with 1. Returns
/// `None` where the project has no seed.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_request(
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<Option<(String, i64)>, sqlx::Error> {
    let _statement = statement("seeded_identifiers.count_request");
    let row = sqlx::query!(
        "UPDATE seeded_identifiers s SET count = s.count + 1 FROM projects p
         WHERE p.id = $1 AND s.project_id = p.id AND s.seed = p.identifier_seed AND s.kind = $2
         RETURNING s.seed, s.count",
        project.0,
        REQUEST
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.seed, row.count)))
}

/// Sets the seed of a project. Identifiers of a seed that the project had before continue after the last one.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn set_seed(
    connection: &mut PgConnection,
    project: ProjectId,
    seed: Option<&str>,
) -> Result<(), sqlx::Error> {
    let _statement = statement("seeded_identifiers.set_seed");
    sqlx::query!("UPDATE projects SET identifier_seed = $2 WHERE id = $1", project.0, seed)
        .execute(&mut *connection)
        .await?;
    if let Some(seed) = seed {
        sqlx::query!(
            "INSERT INTO seeded_identifiers (project_id, seed, kind, count)
             SELECT $1, $2, kind, 0 FROM unnest($3::text[]) AS kind
             ON CONFLICT DO NOTHING",
            project.0,
            seed,
            &SEEDED_KINDS as &[&str]
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Returns whether the project contains anything that has an identifier.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn has_identifiers(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("seeded_identifiers.has_identifiers");
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM customers WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM unconfirmed_customers WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM orders WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM customer_activity WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM segments WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM metadata_schemas WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM custom_event_schemas WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM jobs WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM webhooks WHERE project_id = $1)
               OR EXISTS (SELECT 1 FROM permanent_deletions WHERE project_id = $1) AS "has_identifiers!""#,
        project.0
    )
    .fetch_one(connection)
    .await
}

/// Returns those of the identifiers that an object of the project has which a state document can contain: a customer, segment, schema or
/// webhook.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_used(
    connection: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("seeded_identifiers.find_used");
    sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM customers WHERE project_id = $1 AND id = ANY($2)
           UNION ALL SELECT id FROM segments WHERE project_id = $1 AND id = ANY($2)
           UNION ALL SELECT id FROM metadata_schemas WHERE project_id = $1 AND id = ANY($2)
           UNION ALL SELECT id FROM custom_event_schemas WHERE project_id = $1 AND id = ANY($2)
           UNION ALL SELECT id FROM webhooks WHERE project_id = $1 AND id = ANY($2)"#,
        project.0,
        ids
    )
    .fetch_all(connection)
    .await
}

/// Lists the time-ordered identifiers of the objects of the project which a state document can contain: orders and custom events.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_time_ordered(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<String>, sqlx::Error> {
    let _statement = statement("seeded_identifiers.list_time_ordered");
    sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM orders WHERE project_id = $1
           UNION ALL SELECT id FROM custom_events WHERE project_id = $1"#,
        project.0
    )
    .fetch_all(connection)
    .await
}

/// Deletes the counts of all seeds of a project, so that each seed begins again.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_counts(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("seeded_identifiers.delete_counts");
    sqlx::query!("DELETE FROM seeded_identifiers WHERE project_id = $1", project.0).execute(connection).await?;
    Ok(())
}
