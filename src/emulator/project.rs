//! A project of a running emulator.

use std::sync::Arc;
use std::time::Duration;

use super::clock_control::ClockControl;
use super::fault_control::FaultControl;
use super::request_control::RequestControl;
use crate::config::KeyPair;
use crate::domain::project::ProjectId;
use crate::domain::project_counts::ProjectCounts;
use crate::service::idle::wait_until_idle;
use crate::service::reset::{self, Kept};
use crate::service::{Caller, Core, Error};

/// A project of a running [`Emulator`](super::Emulator): its keys, and what a test controls in it. The methods act without HTTP, on this
/// project only, and at once. They fail after the emulator was stopped.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use voucherify_emulator::Emulator;
/// use voucherify_emulator::emulator::{RequestFault, Kept, RequestFilter};
///
/// let emulator = Emulator::builder().ephemeral().start().await?;
/// let project = emulator.new_project().await?;
/// project.clock().freeze_at("2030-01-01T00:00:00Z".parse()?).await?;
/// project.faults().add(RequestFault::default().operation("create-customer").status(503).times(1)).await?;
/// // ... run the code under test with `project.url()`, `project.app_id()` and `project.app_token()` ...
/// let attempts = project.requests().count(&RequestFilter::default().operation("create-customer"))?;
/// # assert_eq!(attempts, 0);
/// project.reset(&[Kept::Schemas]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Project {
    core: Arc<Core>,
    id: ProjectId,
    url: String,
    server_keys: KeyPair,
    client_keys: KeyPair,
}

impl Project {
    pub(super) fn new(core: Arc<Core>, id: ProjectId, url: String, server_keys: KeyPair, client_keys: KeyPair) -> Self {
        Self { core, id, url, server_keys, client_keys }
    }

    /// Returns the base URL to configure SDKs with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the value of the header `X-App-Id`.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.server_keys.id
    }

    /// Returns the value of the header `X-App-Token`.
    #[must_use]
    pub fn app_token(&self) -> &str {
        &self.server_keys.token
    }

    /// Returns the value of the header `X-Client-Application-Id`.
    #[must_use]
    pub fn client_app_id(&self) -> &str {
        &self.client_keys.id
    }

    /// Returns the value of the header `X-Client-Token`.
    #[must_use]
    pub fn client_token(&self) -> &str {
        &self.client_keys.token
    }

    /// Empties the project, but for its keys, its settings, its snapshots and what is kept, and returns what was removed. The clock then
    /// shows real time, the faults and the request log are empty, and identifiers are random.
    ///
    /// # Errors
    /// Returns [`Error::AccessRevoked`] when the project was deleted, and an error when the database fails.
    pub async fn reset(&self, kept: &[Kept]) -> Result<ProjectCounts, Error> {
        reset::reset(&self.core, &self.caller().await?, kept).await
    }

    /// Waits until the project has no unfinished jobs and no due webhook deliveries. Returns `false` when it still has some after
    /// `timeout`.
    ///
    /// # Errors
    /// Returns [`Error::AccessRevoked`] when the project was deleted, and an error when the database fails.
    pub async fn wait_until_idle(&self, timeout: Duration) -> Result<bool, Error> {
        wait_until_idle(&self.core, &self.caller().await?, timeout).await
    }

    /// Returns the clock of the project.
    #[must_use]
    pub fn clock(&self) -> ClockControl<'_> {
        ClockControl::new(&self.core, self.id)
    }

    /// Returns the faults of the project.
    #[must_use]
    pub fn faults(&self) -> FaultControl<'_> {
        FaultControl::new(&self.core, self.id)
    }

    /// Returns the request log of the project.
    #[must_use]
    pub fn requests(&self) -> RequestControl<'_> {
        RequestControl::new(&self.core, self.id)
    }

    async fn caller(&self) -> Result<Caller, Error> {
        self.core.caller_of(self.id).await
    }
}
