//! `/management/v1`: the management of an organisation's projects, with one folder per resource.

mod custom_event_schemas;
mod managed_project;
mod metadata_schemas;
pub(crate) mod projects;
mod webhooks;

use crate::http::routes::Routes;

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .merge(projects::routes())
        .merge(webhooks::routes())
        .merge(metadata_schemas::routes())
        .merge(custom_event_schemas::routes())
}
