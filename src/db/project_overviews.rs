//! The projects of all organisations, as the console shows them. No query finds a deleted project, a snapshot or a template.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::project::{ProjectId, ProjectOverview};
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_control::ProjectControl;
use crate::trace::statement;

struct OverviewRow {
    id: i64,
    public_id: String,
    name: String,
    is_sandbox: bool,
    created_at: DateTime<Utc>,
    clock_offset_micros: Option<i64>,
    clock_frozen_at: Option<DateTime<Utc>>,
    is_seeded: bool,
    is_strict: bool,
    faults_version: Option<i64>,
    server_key: Option<String>,
}

impl OverviewRow {
    /// Returns the overview with the numbers that `count_of` returns for the resources.
    fn with_counts(self, count_of: impl Fn(ProjectId, &str) -> i64) -> ProjectOverview {
        let OverviewRow {
            id,
            public_id,
            name,
            is_sandbox,
            created_at,
            clock_offset_micros,
            clock_frozen_at,
            is_seeded,
            is_strict,
            faults_version,
            server_key,
        } = self;
        let control = ProjectControl {
            clock: ProjectClock::from_stored(clock_offset_micros, clock_frozen_at),
            is_seeded,
            is_strict,
            faults_version,
        };
        let id = ProjectId(id);
        let [customers, orders, segments] = ["customers", "orders", "segments"].map(|resource| count_of(id, resource));
        ProjectOverview {
            id,
            public_id,
            name,
            is_sandbox,
            created_at,
            server_key,
            control,
            customers,
            orders,
            segments,
        }
    }
}

/// Selects the columns of [`OverviewRow`], with the rest of the condition `$tail`.
macro_rules! select_overviews {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            OverviewRow,
            r#"SELECT id, public_id, name, is_sandbox, created_at, clock_offset_micros, clock_frozen_at,
                      identifier_seed IS NOT NULL AS "is_seeded!", is_strict, faults_version,
                      (SELECT app_id FROM credentials c WHERE c.project_id = p.id AND family = 'server'
                       ORDER BY c.created_at, app_id LIMIT 1) AS server_key
               FROM projects p WHERE deleted_at IS NULL AND snapshot_of IS NULL AND "# + $tail,
            $($argument),*
        )
    };
}

/// Finds the project with that public id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, public_id: &str) -> Result<Option<ProjectOverview>, sqlx::Error> {
    let _statement = statement("project_overviews.find");
    let row = select_overviews!("public_id = $1", public_id).fetch_optional(&mut *connection).await?;
    Ok(with_counts(connection, row).await?.pop())
}

/// Finds the default project, if `text` selects it as in [`list`].
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_default(
    connection: &mut PgConnection,
    text: Option<&str>,
) -> Result<Option<ProjectOverview>, sqlx::Error> {
    let _statement = statement("project_overviews.find_default");
    let row = select_overviews!(
        "is_sandbox AND ($1::text IS NULL OR public_id = $1 OR strpos(lower(name), lower($1)) > 0
             OR id IN (SELECT project_id FROM credentials WHERE app_id = $1))",
        text
    );
    let row = row.fetch_optional(&mut *connection).await?;
    Ok(with_counts(connection, row).await?.pop())
}

/// Lists at most `limit` projects, without the default project, newest first. `text` selects those whose name contains it, whose public id
/// it is, or to which a key with that id gives access. With `before`, the list begins after that project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    text: Option<&str>,
    before: Option<ProjectId>,
    limit: i64,
) -> Result<Vec<ProjectOverview>, sqlx::Error> {
    let _statement = statement("project_overviews.list");
    let rows = select_overviews!(
        "NOT is_sandbox AND id < $2 AND ($1::text IS NULL OR public_id = $1 OR strpos(lower(name), lower($1)) > 0
             OR id IN (SELECT project_id FROM credentials WHERE app_id = $1))
         ORDER BY id DESC LIMIT $3",
        text,
        before.map_or(i64::MAX, |project| project.0),
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    with_counts(connection, rows).await
}

/// Adds the numbers of customers, orders and segments. They are read by a statement of their own, because on a distributed database
/// they are on other servers than the projects.
async fn with_counts(
    connection: &mut PgConnection,
    rows: impl IntoIterator<Item = OverviewRow>,
) -> Result<Vec<ProjectOverview>, sqlx::Error> {
    let rows: Vec<_> = rows.into_iter().collect();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let counts = sqlx::query!(
        r#"SELECT project_id, resource, sum(value)::bigint AS "count!" FROM row_counts
           WHERE project_id = ANY($1) AND resource IN ('customers', 'orders', 'segments') GROUP BY project_id, resource"#,
        &ids
    )
    .fetch_all(connection)
    .await?;
    let counts: HashMap<_, _> = counts.into_iter().map(|row| ((row.project_id, row.resource), row.count)).collect();
    let count_of =
        |id: ProjectId, resource: &str| counts.get(&(id.0, resource.to_owned())).copied().unwrap_or_default();
    Ok(rows.into_iter().map(|row| row.with_counts(count_of)).collect())
}
