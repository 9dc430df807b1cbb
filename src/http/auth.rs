//! Credentials to project: every handler takes the [`Caller`] that this makes.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::{ApiError, ErrorKind};
use super::frame::InFlight;
use super::state::AppState;
use crate::service::{Caller, Error};

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(app_id), Some(token)) = (header("x-app-id"), header("x-app-token")) else {
            return Err(ApiError::new(ErrorKind::Unauthorized));
        };
        let project = state.credentials.resolve(&state.core, app_id, token).await.map_err(|error| match &*error {
            Error::Database(error) => super::error::database_error(error),
            other => ApiError::new(ErrorKind::Internal).with_cause(other),
        })?;
        let project = project.ok_or_else(|| ApiError::new(ErrorKind::Unauthorized))?;
        let Some(in_flight) = parts.extensions.get::<Arc<InFlight>>() else {
            return Err(ApiError::new(ErrorKind::Internal).with_cause("a route outside of the frame"));
        };
        let left = state.rate_limits.take(project, state.core.clock.now());
        let _ = in_flight.calls_left.set(*left.as_ref().unwrap_or(&0));
        left?;
        Ok(Self { project, app_id: app_id.into(), request_id: in_flight.request_id.clone() })
    }
}
