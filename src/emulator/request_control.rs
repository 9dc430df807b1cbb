//! The request log of a project.

use std::sync::Arc;

use crate::domain::logged_request::{LoggedRequest, RequestFilter};
use crate::domain::project::ProjectId;
use crate::service::{Core, Error};

/// Reads and empties the request log of a project, which has the newest 200 requests by default
/// ([`Builder::request_log`](super::Builder::request_log)).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = voucherify_emulator::Emulator::builder().ephemeral().start().await?;
/// use voucherify_emulator::emulator::{RequestFilter, StatusFilter};
///
/// let project = emulator.new_project().await?;
/// // ... run the code under test ...
/// let failed = RequestFilter::default().path("/v1/customers/**").status(StatusFilter::Class(4));
/// for request in project.requests().list(&failed)? {
///     println!("{} {}: {}", request.texts().method, request.texts().path, request.texts().response_body);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestControl<'a> {
    core: &'a Core,
    project: ProjectId,
}

impl<'a> RequestControl<'a> {
    pub(super) fn new(core: &'a Core, project: ProjectId) -> Self {
        Self { core, project }
    }

    /// Returns the requests that match, newest first.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] when the log has no request with the id of [`RequestFilter::after`].
    pub fn list(self, filter: &RequestFilter) -> Result<Vec<Arc<LoggedRequest>>, Error> {
        Ok(self.core.request_log.list(self.project, filter, usize::MAX)?.0)
    }

    /// Returns how many requests match.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] when the log has no request with the id of [`RequestFilter::after`].
    pub fn count(self, filter: &RequestFilter) -> Result<usize, Error> {
        Ok(self.core.request_log.list(self.project, filter, 0)?.1)
    }

    /// Removes all requests.
    pub fn clear(self) {
        self.core.request_log.clear(self.project);
    }
}
