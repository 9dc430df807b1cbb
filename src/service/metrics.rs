//! Reads the numbers that the metrics show beside what was recorded.

use tokio::task::spawn_blocking;

use super::Core;
use super::authenticator::Authenticator;
use crate::metrics::{CacheSample, ProcessSample, Sample};

/// Reads the sample. It never fails: what cannot be read is left out.
pub async fn sample(core: &Core, authenticator: &Authenticator) -> Sample {
    let (rules, faults) = (core.rules_cache.entries().await, core.faults.entries().await);
    Sample {
        pool: core.pool.sample(),
        caches: vec![
            CacheSample { cache: "credentials", entries: authenticator.cached_entries().await },
            CacheSample { cache: "rules", entries: rules },
            CacheSample { cache: "faults", entries: faults },
        ],
        request_log: core.request_log.sample(),
        work: core.work_counts.current(&core.pool).await,
        process: spawn_blocking(ProcessSample::read).await.ok().flatten(),
    }
}
