//! The faults of projects.

use sqlx::PgConnection;

use crate::domain::fault::{Fault, HitSchedule};
use crate::domain::project::ProjectId;
use crate::trace::statement;

struct FaultRow {
    id: String,
    rule: String,
    matches: i64,
    hits: i64,
}

impl From<FaultRow> for Fault {
    fn from(row: FaultRow) -> Self {
        let FaultRow { id, rule, matches, hits } = row;
        // The rule was written by this program, so it can be parsed.
        Self { id, rule: serde_json::from_str(&rule).unwrap_or_default(), matches, hits }
    }
}

/// Lists the faults of a project in the order of their creation.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Fault>, sqlx::Error> {
    let _statement = statement("faults.list");
    let rows = sqlx::query_as!(
        FaultRow,
        r#"SELECT id, rule::text AS "rule!", matches, hits FROM faults WHERE project_id = $1 ORDER BY number"#,
        project.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Fault::from).collect())
}

/// Finds the fault with that id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, project: ProjectId, id: &str) -> Result<Option<Fault>, sqlx::Error> {
    let _statement = statement("faults.find");
    let row = sqlx::query_as!(
        FaultRow,
        r#"SELECT id, rule::text AS "rule!", matches, hits FROM faults WHERE project_id = $1 AND id = $2"#,
        project.0,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Fault::from))
}

/// Locks the project, so that only one transaction at a time changes its faults. Returns `false` for a deleted project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("faults.lock");
    let locked =
        sqlx::query!("SELECT id FROM projects WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", project.0)
            .fetch_optional(connection)
            .await?;
    Ok(locked.is_some())
}

/// Inserts a fault.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(connection: &mut PgConnection, project: ProjectId, fault: &Fault) -> Result<(), sqlx::Error> {
    let _statement = statement("faults.insert");
    let Fault { id, rule, matches, hits } = fault;
    // A rule consists of texts and numbers, so that it can be written.
    let rule = serde_json::to_string(rule).unwrap_or_default();
    sqlx::query!(
        "INSERT INTO faults (project_id, id, rule, matches, hits) VALUES ($1, $2, $3::text::json, $4, $5)",
        project.0,
        id,
        rule,
        matches,
        hits
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the fault with that id, or all faults of the project. Returns how many were deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId, id: Option<&str>) -> Result<u64, sqlx::Error> {
    let _statement = statement("faults.delete");
    let done =
        sqlx::query!("DELETE FROM faults WHERE project_id = $1 AND ($2::text IS NULL OR id = $2)", project.0, id)
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

/// Gives the faults of a project a new version, or none when the project has no fault. It must be called after every change.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn renew_version(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("faults.renew_version");
    // The next version is read by a statement of its own, because Citus sends statements with tables to other servers.
    let version =
        sqlx::query_scalar!(r#"SELECT nextval('faults_versions') AS "version!""#).fetch_one(&mut *connection).await?;
    let has_faults =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM faults WHERE project_id = $1) AS "exists!""#, project.0)
            .fetch_one(&mut *connection)
            .await?;
    let version = has_faults.then_some(version);
    sqlx::query!("UPDATE projects SET faults_version = $2 WHERE id = $1", project.0, version)
        .execute(connection)
        .await?;
    Ok(())
}

/// A match of a fault that was counted.
#[derive(Clone, Copy, Debug)]
pub struct CountedMatch {
    /// The number of the match, from 1 on.
    pub number: i64,
    pub is_hit: bool,
    /// Whether no further match can be hit.
    pub is_used_up: bool,
}

/// Counts a match of a fault, and decides whether it is hit. Returns `None` when the fault is deleted or used up.
///
/// The row is locked by the statement, so that every match has a number of its own, also with several emulators on the database.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_match(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
    schedule: &HitSchedule,
) -> Result<Option<CountedMatch>, sqlx::Error> {
    let _statement = statement("faults.count_match");
    let probability = schedule.probability.as_ref().and_then(serde_json::Number::as_f64);
    let row = sqlx::query!(
        r#"UPDATE faults
           SET matches = matches + 1,
               hits = hits + CASE WHEN is_fault_hit(matches + 1, $3, $4, $5) THEN 1 ELSE 0 END
           WHERE project_id = $1 AND id = $2 AND ($6::bigint IS NULL OR hits < $6)
           RETURNING matches, is_fault_hit(matches, $3, $4, $5) AS "is_hit!", hits >= $6 AS is_used_up"#,
        project.0,
        id,
        schedule.skip,
        probability,
        schedule.seed,
        schedule.times
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| CountedMatch {
        number: row.matches,
        is_hit: row.is_hit,
        is_used_up: row.is_used_up.unwrap_or_default(),
    }))
}
