//! Repeats a transaction that lost a race against another one.

use super::Error;
use crate::db::error::is_race;

/// How many times a transaction is attempted at most. Each race is lost to a transaction that has committed, so a few
/// attempts are enough.
const MAX_ATTEMPTS: usize = 10;

/// Runs `attempt` until it ends with anything other than a lost race. A failed attempt must leave nothing behind.
pub async fn retry<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(Error::LostRace) => {}
            Err(Error::Database(error)) if is_race(&error) => {}
            result => return result,
        }
    }
    attempt().await
}
