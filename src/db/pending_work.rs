//! On a distributed database: which projects may have a job to run or a delivery to send. `migrations/0001_schema.sql` explains it at the
//! table `pending_work`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::ProjectId;
use crate::trace::statement;

/// What a project may have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkKind {
    Job,
    Delivery,
}

impl WorkKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Delivery => "delivery",
        }
    }
}

/// How long a note stays valid at least: longer than any transaction that follows it. A worker that finds nothing to do keeps looking
/// for that long.
const MIN_NOTE_TIME: i32 = 300;

/// Notes that a project is about to have work. It must be committed before the transaction that adds the work.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn note(connection: &mut PgConnection, project: ProjectId, kind: WorkKind) -> Result<(), sqlx::Error> {
    let _statement = statement("pending_work.note");
    sqlx::query!(
        "INSERT INTO pending_work (project_id, kind, due_at, noted_at) VALUES ($1, $2, now(), now())
         ON CONFLICT (project_id, kind) DO UPDATE
         SET due_at = least(pending_work.due_at, excluded.due_at), noted_at = excluded.noted_at",
        project.0,
        kind.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lists the projects that may have work of that kind now, those that wait longest first, at most 10 000 of them.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, kind: WorkKind) -> Result<Vec<ProjectId>, sqlx::Error> {
    let _statement = statement("pending_work.list");
    let ids = sqlx::query_scalar!(
        "SELECT project_id FROM pending_work WHERE kind = $1 AND due_at <= now() ORDER BY due_at, project_id LIMIT 10000",
        kind.as_str()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// Returns whether any project may have work of that kind now.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn exists(connection: &mut PgConnection, kind: WorkKind) -> Result<bool, sqlx::Error> {
    let _statement = statement("pending_work.exists");
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM pending_work WHERE kind = $1 AND due_at <= now()) AS "exists!""#,
        kind.as_str()
    )
    .fetch_one(connection)
    .await
}

/// Records that a worker has found nothing to do in these projects before the times given: it looks at them again then, or after the next
/// note if there is no time. A project with a recent note stays as it is, because the transaction that adds the work may not have ended.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn postpone(
    connection: &mut PgConnection,
    kind: WorkKind,
    projects: &[(ProjectId, Option<DateTime<Utc>>)],
) -> Result<(), sqlx::Error> {
    let _statement = statement("pending_work.postpone");
    let ids: Vec<_> = projects.iter().map(|(project, _)| project.0).collect();
    let times: Vec<_> = projects.iter().map(|(_, due_at)| *due_at).collect();
    sqlx::query!(
        "WITH given AS (SELECT * FROM unnest($2::bigint[], $3::timestamptz[]) AS given (project_id, due_at)),
         gone AS (
             DELETE FROM pending_work p USING given
             WHERE p.project_id = given.project_id AND p.kind = $1 AND given.due_at IS NULL
                 AND p.noted_at < now() - make_interval(secs => $4)
         )
         UPDATE pending_work p SET due_at = given.due_at FROM given
         WHERE p.project_id = given.project_id AND p.kind = $1 AND given.due_at IS NOT NULL
             AND p.noted_at < now() - make_interval(secs => $4)",
        kind.as_str(),
        &ids,
        &times as &[Option<DateTime<Utc>>],
        f64::from(MIN_NOTE_TIME)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes what is noted of a project that is deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("pending_work.delete");
    sqlx::query!("DELETE FROM pending_work WHERE project_id = $1", project.0).execute(connection).await.map(drop)
}
