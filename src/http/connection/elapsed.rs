//! Time as a number, which fits into an atomic variable.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Returns the milliseconds since the first call, and at least 1.
pub(super) fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Returns whether that much time has passed since `since`, at `now`.
pub(super) fn has_passed(limit: Duration, since: u64, now: u64) -> bool {
    Duration::from_millis(now.saturating_sub(since)) >= limit
}
