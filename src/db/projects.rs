//! Projects and organisations. A project that is marked as deleted is not there.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::json::JsonText;
use crate::domain::project::{OrganisationId, Project, ProjectId, ProjectSettings};

/// A project to add. It holds a secret, so there is no `Debug` of it.
pub struct NewProject {
    /// `proj_...`.
    pub public_id: String,
    pub name: String,
    pub organisation: OrganisationId,
    /// Signs what its webhooks send.
    pub webhook_token: String,
    /// `None` where all is default.
    pub settings: Option<ProjectSettings>,
    pub created_at: DateTime<Utc>,
}

/// Adds a project.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &NewProject) -> Result<ProjectId, sqlx::Error> {
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

/// Adds an organisation.
///
/// # Errors
/// When the database refuses.
pub async fn insert_organisation(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<OrganisationId, sqlx::Error> {
    let id = sqlx::query_scalar!("INSERT INTO organisations (created_at) VALUES ($1) RETURNING id", now)
        .fetch_one(connection)
        .await?;
    Ok(OrganisationId(id))
}

/// Whether a project has that name, or that public id; `None` where it is gone.
///
/// # Errors
/// When the database refuses.
pub async fn is_called(
    connection: &mut PgConnection,
    project: ProjectId,
    name: &str,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT name = $2 OR public_id = $2 AS "is_called!" FROM projects WHERE id = $1 AND deleted_at IS NULL"#,
        project.0,
        name
    )
    .fetch_optional(connection)
    .await
}

/// The organisation of a project; `None` where it is gone.
///
/// # Errors
/// When the database refuses.
pub async fn organisation_of(
    connection: &mut PgConnection,
    project: ProjectId,
) -> Result<Option<OrganisationId>, sqlx::Error> {
    let id =
        sqlx::query_scalar!("SELECT organisation_id FROM projects WHERE id = $1 AND deleted_at IS NULL", project.0)
            .fetch_optional(connection)
            .await?;
    Ok(id.map(OrganisationId))
}

struct ProjectRow {
    id: i64,
    public_id: String,
    name: String,
    is_sandbox: bool,
    webhook_token: String,
    settings: Option<JsonText>,
}

impl TryFrom<ProjectRow> for Project {
    type Error = sqlx::Error;

    fn try_from(row: ProjectRow) -> Result<Self, sqlx::Error> {
        let ProjectRow { id, public_id, name, is_sandbox, webhook_token, settings } = row;
        let settings = match settings {
            Some(settings) => {
                serde_json::from_str(settings.as_str()).map_err(|error| sqlx::Error::Decode(error.into()))?
            }
            None => ProjectSettings::default(),
        };
        Ok(Self { id: ProjectId(id), public_id, name, is_sandbox, webhook_token, settings })
    }
}

/// The columns of [`ProjectRow`] from the projects that `$tail` chooses.
macro_rules! select_projects {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            ProjectRow,
            r#"SELECT id, public_id, name, is_sandbox, webhook_token, settings AS "settings: JsonText"
               FROM projects WHERE deleted_at IS NULL AND "# + $tail,
            $($argument),*
        )
    };
}

/// The number of the organisation's project with that public id.
///
/// # Errors
/// When the database refuses.
pub async fn id_of(
    connection: &mut PgConnection,
    organisation: OrganisationId,
    public_id: &str,
) -> Result<Option<ProjectId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE public_id = $1 AND organisation_id = $2 AND deleted_at IS NULL",
        public_id,
        organisation.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(ProjectId))
}

/// The project of that number.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, project: ProjectId) -> Result<Option<Project>, sqlx::Error> {
    select_projects!("id = $1", project.0).fetch_optional(connection).await?.map(Project::try_from).transpose()
}

/// As [`find`], and keeps others from changing or deleting the project, and from adding keys and tokens of it, until the transaction
/// ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<Option<Project>, sqlx::Error> {
    select_projects!("id = $1 FOR NO KEY UPDATE", project.0)
        .fetch_optional(connection)
        .await?
        .map(Project::try_from)
        .transpose()
}

/// The organisation's projects, newest first, `most` of them at the most, and the number of all.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    organisation: OrganisationId,
    most: i64,
) -> Result<(Vec<Project>, i64), sqlx::Error> {
    let rows = select_projects!("organisation_id = $1 ORDER BY id DESC LIMIT $2", organisation.0, most)
        .fetch_all(&mut *connection)
        .await?;
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM projects WHERE organisation_id = $1 AND deleted_at IS NULL"#,
        organisation.0
    )
    .fetch_one(connection)
    .await?;
    Ok((rows.into_iter().map(Project::try_from).collect::<Result<_, _>>()?, total))
}

/// Writes what changed of a locked project.
///
/// # Errors
/// When the database refuses.
pub async fn update(connection: &mut PgConnection, project: &Project) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE projects SET name = $2, settings = $3 WHERE id = $1",
        project.id.0,
        project.name,
        JsonText::of(&project.settings) as JsonText
    )
    .execute(connection)
    .await?;
    Ok(())
}
