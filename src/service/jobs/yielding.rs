//! Yielding of long loops to other tasks on the thread.

use tokio::task::yield_now;

/// After how many records a job yields.
const RECORDS_PER_YIELD: i64 = 20;

/// Yields to other tasks on the thread when the number of a record is a multiple of [`RECORDS_PER_YIELD`].
pub(super) async fn yield_between_records(number: i64) {
    if number % RECORDS_PER_YIELD == 0 {
        yield_now().await;
    }
}
