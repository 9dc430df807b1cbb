//! The clock. No other module reads the system time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// A source of the current time: the system clock, or a fixed time set by a test.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system wall clock.
    #[default]
    System,
    /// A time that changes only through [`Clock::set`], in microseconds since the Unix epoch.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// Returns a clock that stays at `time` until [`Clock::set`] changes it.
    #[must_use]
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(time.timestamp_micros())))
    }

    /// Sets the time of a fixed clock. Has no effect on the system clock.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Self::Fixed(micros) = self {
            micros.store(time.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// Returns whether the time does not pass.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Returns the current time in microseconds, the precision of PostgreSQL. Responses show only milliseconds; the
    /// microseconds preserve the order of rows created within the same millisecond.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the only place that reads the system time")]
            Self::System => Utc::now().timestamp_micros(),
            Self::Fixed(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}
