//! The check that nothing is left of a customer in the database and in the request log.

use super::{Caller, Core, Error, projects};
use crate::db;
use crate::domain::erasure_check::{ErasureCheck, FoundText, spellings};
use crate::domain::personal_values::PersonalValues;

/// Searches all text of the project of the caller and of its snapshots for these values, under the time limit of statements
/// that clients compose, and the requests of the project that this process has in its log.
///
/// # Errors
/// Returns an error when the database query fails, also when it exceeds the time limit.
pub async fn check(core: &Core, caller: &Caller, values: &[String]) -> Result<ErasureCheck, Error> {
    // The rows of a snapshot that was deleted before this call are not its remains for long, but they would be found.
    projects::purge_deleted_snapshots(core, caller.project).await?;
    let mut texts: Vec<_> = values.iter().flat_map(|value| spellings(value)).collect();
    texts.sort_unstable();
    texts.dedup();
    let mut connection = core.pool.acquire_for(caller.project).await?;
    connection.shorten_statement_timeout().await?;
    let mut check = db::erasure_check::search(&mut connection, caller.project, &texts).await?;
    connection.release();
    let requests = core.request_log.count_holding(caller.project, &PersonalValues::new(values));
    if requests > 0 {
        let (table, column) = ("request_log".to_owned(), "requests".to_owned());
        check.found.push(FoundText { table, column, rows: i64::try_from(requests).unwrap_or(i64::MAX) });
    }
    Ok(check)
}
