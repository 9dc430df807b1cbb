//! Limits how many keys can be tried.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

/// How long a failed attempt delays its answer and the next attempt.
const DELAY: Duration = Duration::from_secs(1);
/// How long an attempt waits for the ones before it.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The attempts to sign in, of all sessions. One is made at a time.
pub struct Attempts(Semaphore);

/// An attempt to sign in.
pub struct Attempt<'a>(SemaphorePermit<'a>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Attempts {
    /// Waits for the attempts before this one; `None` when there are too many.
    pub async fn begin(&self) -> Option<Attempt<'_>> {
        timeout(MAX_WAIT, self.0.acquire()).await.ok()?.ok().map(Attempt)
    }
}

impl Attempt<'_> {
    /// Ends a failed attempt after a delay.
    pub async fn fail(self) {
        sleep(DELAY).await;
        drop(self.0);
    }
}
