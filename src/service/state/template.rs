//! The template of the projects that are provisioned.

use crate::db;
use crate::domain::project::ProjectId;
use crate::service::retry::retry;
use crate::service::{Caller, Core, Error};

/// Returns a caller for the hidden project with the content of a template, which has no rows when it is new. `name` names the
/// content: emulators on one database that start with the same file share the project. With `is_only_emulator`, templates with other
/// names are deleted.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn prepare_template(core: &Core, name: &str, is_only_emulator: bool) -> Result<Caller, Error> {
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        if is_only_emulator {
            for other in db::state::templates::list_others(&mut transaction, name).await? {
                db::project_deletions::mark_deleted(&mut transaction, other, core.clock.now()).await?;
            }
        }
        let public_id = core.ids.random("template_");
        let found = db::state::templates::find_or_insert(&mut transaction, name, &public_id, core.clock.now()).await?;
        transaction.commit().await?;
        Ok(Caller::system(found))
    })
    .await
}

/// Deletes a template that could not be loaded.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn discard_template(core: &Core, caller: &Caller) -> Result<(), Error> {
    let mut transaction = core.pool.begin().await?;
    db::project_deletions::mark_deleted(&mut transaction, caller.project, core.clock.now()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Copies the content of a template to a new project.
pub(in crate::service) async fn copy_template(
    connection: &mut sqlx::PgConnection,
    template: ProjectId,
    project: ProjectId,
) -> Result<(), Error> {
    if !db::state::templates::copy(connection, template, project).await? {
        tracing::warn!("the template was deleted, so that a new project is empty");
    }
    Ok(())
}
