//! The faults of a project.

use crate::domain::fault::{Fault, FaultRule};
use crate::domain::project::ProjectId;
use crate::service::{Core, Error, faults};

/// Adds and removes the faults of a project. Every method returns [`Error::AccessRevoked`] when the project was deleted, and an error when
/// the database fails.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = voucherify_emulator::Emulator::builder().ephemeral().start().await?;
/// use voucherify_emulator::emulator::RequestFault;
///
/// let project = emulator.new_project().await?;
/// // The first order is created, but its answer is lost.
/// project.faults().add(RequestFault::default().operation("create-order").status(503).times(1).after()).await?;
/// // ... run the code under test ...
/// assert_eq!(project.faults().list().await?[0].hits, 0);
/// project.faults().clear().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FaultControl<'a> {
    core: &'a Core,
    project: ProjectId,
}

impl<'a> FaultControl<'a> {
    pub(super) fn new(core: &'a Core, project: ProjectId) -> Self {
        Self { core, project }
    }

    /// Adds a fault, which applies to the requests that arrive, or the attempts to deliver that start, from now on.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a rule that the API would refuse, and when the project has too many faults.
    pub async fn add(self, rule: impl Into<FaultRule>) -> Result<Fault, Error> {
        faults::create(self.core, &self.core.caller_of(self.project).await?, rule.into()).await
    }

    /// Returns the faults with their hits, in the order of their creation. A fault that is used up stays in the list.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn list(self) -> Result<Vec<Fault>, Error> {
        faults::list(self.core, &self.core.caller_of(self.project).await?).await
    }

    /// Removes all faults.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn clear(self) -> Result<(), Error> {
        faults::delete_all(self.core, &self.core.caller_of(self.project).await?).await
    }
}
