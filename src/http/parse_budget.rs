//! Limits how many bytes of bodies are being parsed at the same time, over all requests of the process.
//!
//! Parsed JSON can take a hundred times the memory of its text, so the sum is limited instead of the single body. A body
//! waits until its bytes are available; the time limit of the request also applies to this wait.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::{ApiError, ErrorKind};

/// Up to this size, a body need not wait for larger ones.
pub const MAX_SMALL_BYTES: usize = 32 * 1024;

static SMALL_BODIES: Budget = Budget::new(1024 * 1024);
static LARGE_BODIES: Budget = Budget::new(4 * 1024 * 1024);

/// The right to keep the parsed form of a body in memory, until it is dropped.
pub type ParsePermit = SemaphorePermit<'static>;

struct Budget {
    bytes: usize,
    available: Semaphore,
}

impl Budget {
    const fn new(bytes: usize) -> Self {
        Self { bytes, available: Semaphore::const_new(bytes) }
    }
}

/// Waits until a body of that size may be parsed. A body that is larger than the budget is parsed alone.
///
/// # Errors
/// Returns no error, because the budgets are never closed.
pub async fn acquire(body_bytes: usize) -> Result<ParsePermit, ApiError> {
    let budget = if body_bytes <= MAX_SMALL_BYTES { &SMALL_BODIES } else { &LARGE_BODIES };
    let bytes = u32::try_from(body_bytes.min(budget.bytes)).unwrap_or(u32::MAX);
    budget.available.acquire_many(bytes).await.map_err(|error| ApiError::new(ErrorKind::Internal).with_cause(&error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn large_bodies_wait_for_each_other_and_small_ones_do_not_wait_for_them() {
        let all = acquire(LARGE_BODIES.bytes * 3).await.unwrap();
        assert!(timeout(Duration::from_millis(20), acquire(MAX_SMALL_BYTES + 1)).await.is_err());
        assert!(timeout(Duration::from_secs(5), acquire(MAX_SMALL_BYTES)).await.is_ok());
        drop(all);
        assert!(timeout(Duration::from_secs(5), acquire(MAX_SMALL_BYTES + 1)).await.is_ok());
    }
}
