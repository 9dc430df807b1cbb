//! Whether the database works: the one place that decides what the health of the emulator shows, and when the log mentions it.
//!
//! Requests and background tasks report the failures of the database as a whole. As long as such an outage lasts, the log gets one line
//! at its beginning, one each minute, and one at its end, instead of one for each request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::db::connect::try_resources;
use crate::db::error::outage;
use crate::db::pool::Pool;
use crate::domain::outage::Outage;

/// The interval of the warnings about an outage that lasts.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);
/// How long after the last report an outage can end at the earliest. Under load, a check may succeed between failures.
const MIN_QUIET_TIME: Duration = Duration::from_secs(2);

/// Whether the database works.
#[derive(Debug, Default)]
pub struct DatabaseHealth {
    ongoing: Mutex<Option<OngoingOutage>>,
    /// Notified when an outage begins.
    begun: Notify,
}

#[derive(Debug)]
struct OngoingOutage {
    outage: Outage,
    begun_at: Instant,
    reported_at: Instant,
    warned_at: Instant,
    /// The number of reports since the last line in the log.
    reports: u64,
}

impl DatabaseHealth {
    fn ongoing(&self) -> MutexGuard<'_, Option<OngoingOutage>> {
        self.ongoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the outage that lasts, if there is one.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.ongoing().as_ref().map(|ongoing| ongoing.outage)
    }

    /// Records that something failed because of an outage. `cause` is for the log.
    pub fn report(&self, outage: Outage, cause: &str) {
        let now = Instant::now();
        let mut state = self.ongoing();
        if let Some(ongoing) = &mut *state {
            ongoing.reported_at = now;
            ongoing.reports += 1;
            // What is reported first explains what follows: a full disk can also stop the database.
            if outage != Outage::Unreachable {
                ongoing.outage = outage;
            }
            if now.duration_since(ongoing.warned_at) >= WARNING_INTERVAL {
                let (reason, failures) = (ongoing.outage.reason(), ongoing.reports);
                tracing::warn!(reason, failures, cause, "the database still fails");
                (ongoing.warned_at, ongoing.reports) = (now, 0);
            }
            return;
        }
        tracing::warn!(
            reason = outage.reason(),
            cause,
            "the database fails; requests that need it are answered with 503"
        );
        *state = Some(OngoingOutage { outage, begun_at: now, reported_at: now, warned_at: now, reports: 0 });
        drop(state);
        self.begun.notify_one();
    }

    /// Records that something failed in the background, if an outage is the cause. Returns whether it is.
    pub fn report_error(&self, error: &sqlx::Error) -> bool {
        let outage = outage(error);
        if let Some(outage) = outage {
            self.report(outage, &error.to_string());
        }
        outage.is_some()
    }

    /// Waits until there is an outage.
    pub async fn wait_for_outage(&self) {
        while self.outage().is_none() {
            self.begun.notified().await;
        }
    }

    /// Checks whether the outage is over: a new connection can be opened, and can use the disk. Returns whether there is none any more.
    pub async fn check(&self, pool: &Pool) -> bool {
        if let Err(error) = try_resources(pool).await {
            if !self.report_error(&error) {
                tracing::debug!(%error, "failed to check the database");
            }
            return false;
        }
        let mut state = self.ongoing();
        if let Some(ongoing) = state.as_ref() {
            if ongoing.reported_at.elapsed() < MIN_QUIET_TIME {
                return false;
            }
            let seconds = ongoing.begun_at.elapsed().as_secs();
            tracing::info!(reason = ongoing.outage.reason(), seconds, "the database works again");
            *state = None;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays_while_the_database_cannot_be_reached() {
        let health = DatabaseHealth::default();
        assert_eq!(health.outage(), None);
        health.report(Outage::DiskFull, "");
        health.report(Outage::Unreachable, "");
        assert_eq!(health.outage(), Some(Outage::DiskFull));
        health.report(Outage::TooManyConnections, "");
        assert_eq!(health.outage(), Some(Outage::TooManyConnections));
    }

    #[tokio::test]
    async fn a_task_that_waits_continues_at_the_first_outage() {
        let health = DatabaseHealth::default();
        let waiting = health.wait_for_outage();
        health.report(Outage::DiskFull, "");
        tokio::time::timeout(Duration::from_secs(1), waiting).await.unwrap();
    }
}
