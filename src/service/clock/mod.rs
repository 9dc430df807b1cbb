//! The clock of a project: reading, setting and advancing it.

mod advance;

use chrono::{DateTime, Utc};

use super::retry::retry;
use super::rules::ExclusiveTransaction;
use super::{Caller, Core, Error, rules};
use crate::db;
use crate::domain::limits::{CLOCK_END, CLOCK_START};
use crate::domain::project_clock::ProjectClock;
use crate::domain::timestamp;

pub use advance::{Advance, advance};

/// A clock, and the time that it shows.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    pub clock: ProjectClock,
    pub now: DateTime<Utc>,
}

/// Reads the clock of the project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn get(core: &Core, caller: &Caller) -> Result<ClockReading, Error> {
    let mut connection = core.pool.acquire_for(caller.project).await?;
    let state = db::rules::state(&mut connection, caller.project).await?;
    connection.release();
    Ok(ClockReading { clock: state.clock, now: core.project_time(&state).clock })
}

/// Sets the time of the clock, where it is given, and whether it is frozen, where that is given. It may be set back: rows keep their
/// times. The members of segments whose filter depends on the time become those of the new time, of which nothing is recorded.
///
/// # Errors
/// Returns [`Error::Invalid`] for a time outside of the limits.
pub async fn set(
    core: &Core,
    caller: &Caller,
    time: Option<DateTime<Utc>>,
    is_frozen: Option<bool>,
) -> Result<ClockReading, Error> {
    if let Some(time) = time {
        check(time, "now")?;
    }
    change(core, caller, |known, real_now| {
        let is_frozen = is_frozen.unwrap_or(known.is_frozen());
        match time {
            None if is_frozen == known.is_frozen() => known,
            None => ProjectClock::showing(known.at(real_now), is_frozen, real_now),
            Some(time) => ProjectClock::showing(time, is_frozen, real_now),
        }
    })
    .await
}

/// Sets the clock back to real time, as [`set`] does.
///
/// # Errors
/// Returns an error when a database statement fails.
pub async fn reset(core: &Core, caller: &Caller) -> Result<(), Error> {
    change(core, caller, |_, _| ProjectClock::Real).await.map(drop)
}

/// Replaces the clock by the one that `new` returns for the known one and for the real time.
async fn change(
    core: &Core,
    caller: &Caller,
    new: impl Fn(ProjectClock, DateTime<Utc>) -> ProjectClock,
) -> Result<ClockReading, Error> {
    let reading = retry(async || {
        let mut exclusive = ExclusiveTransaction::begin(core, caller).await?;
        let real_now = core.clock.now();
        let clock = new(exclusive.clock, real_now);
        let reading = ClockReading { clock, now: clock.at(real_now) };
        rules::recompute_for_time(&mut exclusive, reading.now).await?;
        store(&mut exclusive, caller, clock).await?;
        exclusive.commit().await?;
        Ok(reading)
    })
    .await?;
    core.credentials.invalidate();
    core.delivery_notifier.notify();
    Ok(reading)
}

/// Stores a clock. The new version of the rules makes every writer read it.
async fn store(exclusive: &mut ExclusiveTransaction, caller: &Caller, clock: ProjectClock) -> Result<(), Error> {
    db::projects::set_clock(exclusive.connection(), caller.project, clock).await?;
    Ok(db::rules::increment_version(exclusive.connection(), caller.project).await?)
}

/// Checks that the clock can show a time.
fn check(time: DateTime<Utc>, member: &str) -> Result<(), Error> {
    if (CLOCK_START..CLOCK_END).contains(&time) {
        return Ok(());
    }
    let (first, last) = (timestamp::text(CLOCK_START), timestamp::text(CLOCK_END - chrono::TimeDelta::milliseconds(1)));
    Err(Error::Invalid { details: format!("Property .{member} must be a time from {first} to {last}") })
}
