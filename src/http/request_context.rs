//! What is known about a request.

use std::sync::{Arc, OnceLock};

use axum::http::request::Parts;
use axum::response::Response;

use super::error::{ApiError, ErrorKind};
use super::parse_budget::ParsePermit;
use crate::domain::credential::Principal;
use crate::domain::project::ProjectId;
use crate::domain::project_control::ProjectControl;
use crate::service::{Core, identifiers};

/// Formats the error response of an API whose errors are not in the vendor's form, from the error text.
pub type ErrorFormatter = Box<dyn Fn(&str) -> Response + Send + Sync>;

/// The project of the keys or the token of a request.
#[derive(Clone, Copy, Debug)]
pub struct CallingProject {
    pub id: ProjectId,
    pub control: ProjectControl,
}

/// What is known about a request, shared by the middleware, the extractors and the handler.
pub struct RequestContext {
    /// The id of a request whose project is not known, or whose project has the real time and random identifiers.
    own_request_id: String,
    /// The id that follows from the clock or the seed of the project.
    project_request_id: OnceLock<String>,
    /// The outcome of the authentication: set before the handler runs for the vendor's paths, and by the first extractor that needs it
    /// for others.
    pub authentication: OnceLock<Result<Principal, ApiError>>,
    /// Set as soon as it is known, also where the request is then refused.
    pub project: OnceLock<CallingProject>,
    /// How many calls the project has left in this minute; set after authentication.
    pub calls_left: OnceLock<u32>,
    /// The project id in the path of a management request.
    pub managed: OnceLock<String>,
    /// Set by APIs whose errors are not in the vendor's form.
    pub error_formatter: OnceLock<ErrorFormatter>,
    /// Held until the response is complete, because parsed values are dropped by then.
    pub parse_permit: OnceLock<ParsePermit>,
    /// JSON pointers of members, and names of query parameters (`?name`), that the operation does not know.
    pub unread: OnceLock<Vec<String>>,
}

impl RequestContext {
    /// Returns the context of a request of which only its id is known.
    pub fn new(request_id: String) -> Self {
        Self {
            own_request_id: request_id,
            project_request_id: OnceLock::new(),
            authentication: OnceLock::new(),
            project: OnceLock::new(),
            calls_left: OnceLock::new(),
            managed: OnceLock::new(),
            error_formatter: OnceLock::new(),
            parse_permit: OnceLock::new(),
            unread: OnceLock::new(),
        }
    }

    /// Returns the id of the request: `v-` and 18 hexadecimal digits. Errors show it, and the activity entries of the request carry it as
    /// their group.
    pub fn request_id(&self) -> &str {
        self.project_request_id.get().unwrap_or(&self.own_request_id)
    }

    /// Sets the project. In a project with a clock or a seed of its own, the id of the request follows from them.
    pub async fn set_project(&self, core: &Core, id: ProjectId, control: ProjectControl) {
        let is_new = self.project.set(CallingProject { id, control }).is_ok();
        if is_new && let Some(request_id) = identifiers::request_id(core, id, control).await {
            let _ = self.project_request_id.set(request_id);
        }
    }

    /// Returns the context of the request with these parts.
    ///
    /// # Errors
    /// 500 when the route is outside of the request middleware.
    pub fn of(parts: &Parts) -> Result<Arc<Self>, ApiError> {
        let context = parts.extensions.get::<Arc<Self>>().cloned();
        context.ok_or_else(|| {
            ApiError::new(ErrorKind::Internal).with_cause("the route is outside of the request middleware")
        })
    }
}
