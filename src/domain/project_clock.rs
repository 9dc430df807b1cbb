//! The clock of a project: real time, another time that runs, or a frozen time.

use chrono::{DateTime, TimeDelta, Utc};

/// The clock of a project. Everything that the project shows, and everything that falls due in it, follows this clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectClock {
    /// Real time.
    #[default]
    Real,
    /// Runs, but is ahead of real time by this much, or behind it where it is negative.
    Offset(TimeDelta),
    /// Always shows this time.
    Frozen(DateTime<Utc>),
}

impl ProjectClock {
    /// Returns the clock with that stored form: the offset in microseconds, or the frozen time, or neither.
    #[must_use]
    pub fn from_stored(offset_micros: Option<i64>, frozen_at: Option<DateTime<Utc>>) -> Self {
        match (frozen_at, offset_micros) {
            (Some(time), _) => Self::Frozen(time),
            (None, Some(micros)) => Self::Offset(TimeDelta::microseconds(micros)),
            (None, None) => Self::Real,
        }
    }

    /// Returns the stored form, as [`ProjectClock::from_stored`] takes it.
    #[must_use]
    pub fn stored(self) -> (Option<i64>, Option<DateTime<Utc>>) {
        match self {
            Self::Real => (None, None),
            Self::Offset(offset) => (Some(offset.num_microseconds().unwrap_or_default()), None),
            Self::Frozen(time) => (None, Some(time)),
        }
    }

    /// Returns the time that the clock shows when the real time is `real_now`.
    #[must_use]
    pub fn at(self, real_now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Real => real_now,
            // An offset that leads out of the range of times cannot be stored, because the limits of the clock are narrower.
            Self::Offset(offset) => real_now.checked_add_signed(offset).unwrap_or(real_now),
            Self::Frozen(time) => time,
        }
    }

    /// Returns whether the time does not pass.
    #[must_use]
    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen(_))
    }

    /// Returns a clock that shows `time` when the real time is `real_now`.
    #[must_use]
    pub fn showing(time: DateTime<Utc>, is_frozen: bool, real_now: DateTime<Utc>) -> Self {
        if is_frozen { Self::Frozen(time) } else { Self::Offset(time - real_now) }
    }

    /// Returns the name of the mode.
    #[must_use]
    pub fn mode(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Offset(_) => "offset",
            Self::Frozen(_) => "frozen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn each_mode_shows_its_time() {
        assert_eq!(ProjectClock::Real.at(at(1)), at(1));
        let offset = ProjectClock::showing(at(100), false, at(1));
        assert_eq!((offset.at(at(1)), offset.at(at(3)), offset.mode()), (at(100), at(102), "offset"));
        let frozen = ProjectClock::showing(at(100), true, at(1));
        assert_eq!((frozen.at(at(1)), frozen.at(at(3)), frozen.mode()), (at(100), at(100), "frozen"));
    }

    #[test]
    fn the_stored_form_is_read_back() {
        for clock in [ProjectClock::Real, ProjectClock::showing(at(-9), false, at(0)), ProjectClock::Frozen(at(5))] {
            let (offset, frozen_at) = clock.stored();
            assert_eq!(ProjectClock::from_stored(offset, frozen_at), clock);
        }
    }
}
