//! The only place that reads the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// Tells the time: the system's, or one that a test holds.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A time that stands still until it is moved; microseconds since the Unix epoch.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `time` until [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(time.timestamp_micros())))
    }

    /// Moves a fixed clock; the system's clock is left alone.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Self::Fixed(micros) = self {
            micros.store(time.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// The time now, in microseconds: what PostgreSQL can hold. Answers show milliseconds; the rest keeps the order of
    /// rows that were made within one of them.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the place")]
            Self::System => Utc::now().timestamp_micros(),
            Self::Fixed(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}
