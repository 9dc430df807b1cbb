//! The project that a management request addresses.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::domain::credential::Channel;
use crate::domain::project_control::ProjectControl;
use crate::http::auth::ManagementCaller;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::request_context::request_context;
use crate::http::state::AppState;
use crate::service::{Caller, projects};

/// The project in the path `/management/v1/projects/{projectId}/...`, as a caller for the services. The project belongs
/// to the organisation of the credentials, and the application id is that of the management key.
pub struct ManagedProject(pub Caller);

impl FromRequestParts<AppState> for ManagedProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = ManagementCaller::from_request_parts(parts, state).await?;
        let Id(id) = Id::from_request_parts(parts, state).await?;
        // Store the id, so that every later error about a deleted project is answered with "not found" for this id.
        let context = request_context(&parts.extensions)?;
        let _ = context.managed.set(id.as_str().to_owned());
        let project = projects::resolve(&state.core, caller.organisation, &id).await?;
        let ManagementCaller { app_id, request_id, .. } = caller;
        // The services that the management API calls read the clock and the seed in their transaction.
        let control = ProjectControl { is_strict: state.is_strict, ..ProjectControl::default() };
        let trace = context.trace.clone();
        Ok(Self(Caller { project, app_id, channel: Channel::Api, request_id, trace, control }))
    }
}
