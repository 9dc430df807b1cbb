//! Does a transaction again when another one was faster.

use super::Error;
use crate::db::error::is_race;

/// How often a transaction is tried at the most. Each race is lost to a transaction that has committed, so a handful is
/// plenty.
const ATTEMPTS: usize = 10;

/// Runs `attempt`, which does nothing unless it succeeds, until it ends with anything but a lost race.
pub async fn retry<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(Error::LostRace) => {}
            Err(Error::Database(error)) if is_race(&error) => {}
            ended => return ended,
        }
    }
    attempt().await
}
