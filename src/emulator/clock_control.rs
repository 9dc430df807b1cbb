//! The clock of a project.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::iso_duration::IsoDuration;
use crate::domain::project::ProjectId;
use crate::service::clock::{self, Advance, ClockReading};
use crate::service::{Core, Error};

/// Reads and sets the clock of a project, which everything follows that the project shows. Every method returns
/// [`Error::AccessRevoked`] when the project was deleted, and an error when the database fails.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = voucherify_emulator::Emulator::builder().ephemeral().start().await?;
/// use voucherify_emulator::chrono::TimeDelta;
///
/// let project = emulator.new_project().await?;
/// project.clock().freeze_at("2030-01-01T00:00:00Z".parse()?).await?;
/// let reading = project.clock().advance_by(TimeDelta::days(3)).await?;
/// assert_eq!(reading.now.to_rfc3339(), "2030-01-04T00:00:00+00:00");
/// project.clock().use_real_time().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClockControl<'a> {
    core: &'a Core,
    project: ProjectId,
}

impl<'a> ClockControl<'a> {
    pub(super) fn new(core: &'a Core, project: ProjectId) -> Self {
        Self { core, project }
    }

    /// Returns the clock and the time that it shows.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn get(self) -> Result<ClockReading, Error> {
        clock::get(self.core, &self.core.caller_of(self.project).await?).await
    }

    /// Stops the clock at the time that it shows.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn freeze(self) -> Result<ClockReading, Error> {
        self.set(None, true).await
    }

    /// Stops the clock at `time`. It may be before the time that the clock shows.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a time before 2016-05-05 or after 2099.
    pub async fn freeze_at(self, time: DateTime<Utc>) -> Result<ClockReading, Error> {
        self.set(Some(time), true).await
    }

    /// Lets the clock run from `time`. It may be before the time that the clock shows.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a time before 2016-05-05 or after 2099.
    pub async fn run_from(self, time: DateTime<Utc>) -> Result<ClockReading, Error> {
        self.set(Some(time), false).await
    }

    /// Advances the clock. What falls due on the way happens, at its own time and in order: customers enter and leave segments, webhooks are
    /// retried, tokens and reports expire. [`Project::wait_until_idle`](super::Project::wait_until_idle) waits for the deliveries.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a negative duration and for one that leads beyond 2099.
    pub async fn advance_by(self, duration: TimeDelta) -> Result<ClockReading, Error> {
        let duration = IsoDuration::of(duration)
            .ok_or_else(|| Error::Invalid { details: "The duration must NOT be negative".to_owned() })?;
        self.advance(Advance::By(duration)).await
    }

    /// Advances the clock to `time`, like [`ClockControl::advance_by`].
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a time before the time of the clock or after 2099.
    pub async fn advance_to(self, time: DateTime<Utc>) -> Result<ClockReading, Error> {
        self.advance(Advance::To(time)).await
    }

    /// Sets the clock back to real time.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn use_real_time(self) -> Result<(), Error> {
        clock::reset(self.core, &self.core.caller_of(self.project).await?).await
    }

    async fn set(self, time: Option<DateTime<Utc>>, is_frozen: bool) -> Result<ClockReading, Error> {
        clock::set(self.core, &self.core.caller_of(self.project).await?, time, Some(is_frozen)).await
    }

    async fn advance(self, by: Advance) -> Result<ClockReading, Error> {
        clock::advance(self.core, &self.core.caller_of(self.project).await?, by).await
    }
}
