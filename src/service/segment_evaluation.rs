//! Evaluates the filters of the segments of a project for customers, off the async threads when there is much to do.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use super::Error;
use crate::domain::customer::Customer;
use crate::domain::filter::CustomerValues;
use crate::domain::json::JsonText;
use crate::domain::rules::Rules;

/// The work up to which filters are evaluated at once, in the unit of [`work_of`]. It takes some milliseconds.
const MAX_WORK_ON_ASYNC_THREAD: usize = 512 * 1024;
/// The work for a filter and a customer without JSON, which stands for all other fields.
const WORK_PER_CUSTOMER: usize = 256;

/// What the filters of the segments result in for one customer.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// The positions in [`Rules::segments`] of the segments that the customer matches, ascending.
    pub segments: Vec<usize>,
    /// The moments to store, each with the name of its field.
    pub moments: Vec<(String, DateTime<Utc>)>,
}

/// Evaluates all filters for `customers` at `now`, and returns the customers with a result for each. `event_counts` has
/// the number of custom events by customer id and name.
///
/// # Errors
/// Returns an error when the emulator is being stopped.
pub(super) async fn evaluate(
    rules: &Arc<Rules>,
    now: DateTime<Utc>,
    customers: Vec<Customer>,
    mut event_counts: HashMap<String, HashMap<String, i64>>,
) -> Result<(Vec<Customer>, Vec<Evaluated>), Error> {
    let work = customers.iter().map(work_of).sum::<usize>().saturating_mul(rules.segments.len());
    let rules = Arc::clone(rules);
    let evaluation = move || {
        let results = customers.iter().map(|customer| {
            let values = CustomerValues::of(customer, event_counts.remove(&customer.id).unwrap_or_default());
            evaluate_values(&rules, &values, now)
        });
        let results = results.collect();
        (customers, results)
    };
    if work <= MAX_WORK_ON_ASYNC_THREAD {
        return Ok(evaluation());
    }
    spawn_blocking(evaluation).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Error::Database(sqlx::Error::PoolClosed),
    })
}

/// Evaluates all filters for one customer.
pub(super) fn evaluate_values(rules: &Rules, values: &CustomerValues, now: DateTime<Utc>) -> Evaluated {
    let matching =
        rules.segments.iter().enumerate().filter(|(_, segment)| segment.filter.matches_customer(values, now));
    Evaluated { segments: matching.map(|(index, _)| index).collect(), moments: rules.moments_of(values) }
}

/// Returns about how many bytes a filter reads of a customer.
fn work_of(customer: &Customer) -> usize {
    let bytes = |json: Option<&JsonText>| json.map_or(0, |json| json.as_str().len());
    WORK_PER_CUSTOMER + bytes(customer.metadata.as_ref()) + bytes(customer.state.as_ref())
}
