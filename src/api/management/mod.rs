//! `/management/v1`: what an organisation does with its projects. One folder per resource.

mod custom_event_schemas;
mod metadata_schemas;
pub(crate) mod projects;
mod webhooks;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::domain::credential::Channel;
use crate::http::auth::{Organiser, in_flight};
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::service::{self, Caller};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .merge(projects::routes())
        .merge(webhooks::routes())
        .merge(metadata_schemas::routes())
        .merge(custom_event_schemas::routes())
}

/// The project in the path, `/management/v1/projects/{projectId}/...`, which is one of the organisation's whose keys were
/// presented. Services take it for one who calls with the management key.
pub struct Managed(pub Caller);

impl FromRequestParts<AppState> for Managed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let organiser = Organiser::from_request_parts(parts, state).await?;
        let Id(id) = Id::from_request_parts(parts, state).await?;
        // Deleted meanwhile, it is not found, whatever finds out.
        let _ = in_flight(parts)?.managed.set(id.as_str().to_owned());
        let project = service::projects::resolve(&state.core, organiser.organisation, &id).await?;
        let Organiser { app_id, request_id, .. } = organiser;
        Ok(Self(Caller { project, app_id, channel: Channel::Api, request_id }))
    }
}
