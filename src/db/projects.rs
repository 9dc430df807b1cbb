//! Projects and organisations. No query finds a project that is marked as deleted, and no list has a snapshot of one.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

use super::list_query::ListQuery;
use crate::domain::json::JsonText;
use crate::domain::page::Page;
use crate::domain::project::{OrganisationId, Project, ProjectId, ProjectSettings};
use crate::domain::project_clock::ProjectClock;
use crate::trace::statement;

/// A project to insert. It contains a secret, so it does not implement `Debug`.
pub struct NewProject {
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    pub organisation: OrganisationId,
    /// Signs the messages of the project's webhooks.
    pub webhook_token: String,
    /// `None` when every setting has its default.
    pub settings: Option<ProjectSettings>,
    pub created_at: DateTime<Utc>,
}

/// Inserts a project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert(connection: &mut PgConnection, new: &NewProject) -> Result<ProjectId, sqlx::Error> {
    let _statement = statement("projects.insert");
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (public_id, name, organisation_id, webhook_token, settings, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id",
        new.public_id,
        new.name,
        new.organisation.0,
        new.webhook_token,
        new.settings.as_ref().map(JsonText::of) as Option<JsonText>,
        new.created_at
    )
    .fetch_one(connection)
    .await?;
    Ok(ProjectId(id))
}

/// Inserts an organisation.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn insert_organisation(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<OrganisationId, sqlx::Error> {
    let _statement = statement("projects.insert_organisation");
    let id = sqlx::query_scalar!("INSERT INTO organisations (created_at) VALUES ($1) RETURNING id", now)
        .fetch_one(connection)
        .await?;
    Ok(OrganisationId(id))
}

/// Returns whether a project has that name or that public id; `None` when the project is deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn has_name_or_id(
    connection: &mut PgConnection,
    project: ProjectId,
    name_or_id: &str,
) -> Result<Option<bool>, sqlx::Error> {
    let _statement = statement("projects.has_name_or_id");
    sqlx::query_scalar!(
        r#"SELECT name = $2 OR public_id = $2 AS "is_called!" FROM projects WHERE id = $1 AND deleted_at IS NULL"#,
        project.0,
        name_or_id
    )
    .fetch_optional(connection)
    .await
}

/// Finds the organisation of a project; `None` when the project is deleted.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_organisation(
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<Option<OrganisationId>, sqlx::Error> {
    let _statement = statement("projects.find_organisation");
    let id =
        sqlx::query_scalar!("SELECT organisation_id FROM projects WHERE id = $1 AND deleted_at IS NULL", project.0)
            .fetch_optional(connection)
            .await?;
    Ok(id.map(OrganisationId))
}

#[derive(FromRow)]
struct ProjectRow {
    id: i64,
    public_id: String,
    name: String,
    is_sandbox: bool,
    webhook_token: String,
    settings: Option<JsonText>,
    is_strict: bool,
}

impl TryFrom<ProjectRow> for Project {
    type Error = sqlx::Error;

    fn try_from(row: ProjectRow) -> Result<Self, sqlx::Error> {
        let ProjectRow { id, public_id, name, is_sandbox, webhook_token, settings, is_strict } = row;
        let settings = match settings {
            Some(settings) => {
                serde_json::from_str(settings.as_str()).map_err(|error| sqlx::Error::Decode(error.into()))?
            }
            None => ProjectSettings::default(),
        };
        Ok(Self { id: ProjectId(id), public_id, name, is_sandbox, webhook_token, settings, is_strict })
    }
}

/// Selects the columns of [`ProjectRow`] from the projects that are not deleted, with the rest of the condition
/// `$tail`.
macro_rules! select_projects {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            ProjectRow,
            r#"SELECT id, public_id, name, is_sandbox, webhook_token, settings AS "settings: JsonText", is_strict
               FROM projects WHERE deleted_at IS NULL AND "# + $tail,
            $($argument),*
        )
    };
}

/// Finds the number of the organisation's project with that public id.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find_id(
    connection: &mut PgConnection,
    organisation: OrganisationId,
    public_id: &str,
) -> Result<Option<ProjectId>, sqlx::Error> {
    let _statement = statement("projects.find_id");
    let id = sqlx::query_scalar!(
        "SELECT id FROM projects
         WHERE public_id = $1 AND organisation_id = $2 AND deleted_at IS NULL AND snapshot_of IS NULL",
        public_id,
        organisation.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(ProjectId))
}

/// Finds the project with that number.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(connection: &mut PgConnection, project: ProjectId) -> Result<Option<Project>, sqlx::Error> {
    let _statement = statement("projects.find");
    select_projects!("id = $1", project.0).fetch_optional(connection).await?.map(Project::try_from).transpose()
}

/// Does the same as [`find`], and locks the project until the transaction ends, so that no other transaction changes
/// or deletes it. Transactions that insert keys or tokens of the project acquire the same lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<Option<Project>, sqlx::Error> {
    let _statement = statement("projects.lock");
    select_projects!("id = $1 FOR NO KEY UPDATE", project.0)
        .fetch_optional(connection)
        .await?
        .map(Project::try_from)
        .transpose()
}

/// Lists the newest projects of an organisation, newest first and at most `limit` of them, and returns them with the
/// number of all of its projects.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(
    connection: &mut PgConnection,
    organisation: OrganisationId,
    limit: i64,
) -> Result<(Vec<Project>, i64), sqlx::Error> {
    let _statement = statement("projects.list");
    let push_matching = |query: &mut QueryBuilder<Postgres>| {
        query.push(" FROM projects WHERE deleted_at IS NULL AND snapshot_of IS NULL AND organisation_id = ");
        query.push_bind(organisation.0);
    };
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push("SELECT id, public_id, name, is_sandbox, webhook_token, settings, is_strict");
        push_matching(query);
        query.push(" ORDER BY id DESC");
    };
    let page = Page::first(limit);
    let (rows, total): (Vec<ProjectRow>, i64) =
        ListQuery { page, has_cursor: false, row_count: None, has_filter: false }
            .fetch(connection, push_rows, push_matching)
            .await?;
    Ok((page.trim(rows).into_iter().map(Project::try_from).collect::<Result<_, _>>()?, total))
}

/// Sets the clock of a project. The rows that jobs have written no longer count for the time of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn set_clock(
    connection: &mut PgConnection,
    project: ProjectId,
    clock: ProjectClock,
) -> Result<(), sqlx::Error> {
    let _statement = statement("projects.set_clock");
    let (offset_micros, frozen_at) = clock.stored();
    sqlx::query!(
        "UPDATE projects SET clock_offset_micros = $2, clock_frozen_at = $3, last_job_row_at = NULL, job_rows_written_at = NULL
         WHERE id = $1",
        project.0,
        offset_micros,
        frozen_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Updates the name, the settings and the strictness of a locked project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn update(connection: &mut PgConnection, project: &Project) -> Result<(), sqlx::Error> {
    let _statement = statement("projects.update");
    sqlx::query!(
        "UPDATE projects SET name = $2, settings = $3, is_strict = $4 WHERE id = $1",
        project.id.0,
        project.name,
        JsonText::of(&project.settings) as JsonText,
        project.is_strict
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a locked project real time and random identifiers again, and increments the version of its rules.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn reset_control(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("projects.reset_control");
    sqlx::query!(
        "UPDATE projects
         SET clock_offset_micros = NULL, clock_frozen_at = NULL, identifier_seed = NULL, faults_version = NULL,
             last_job_row_at = NULL, job_rows_written_at = NULL, rules_version = rules_version + 1
         WHERE id = $1",
        project.0
    )
    .execute(connection)
    .await?;
    Ok(())
}
