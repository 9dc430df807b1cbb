//! A helper for the array columns of `job_slices` and `job_results`.

/// Returns the array, or an empty one when none of its elements has a value: such a column is stored empty.
pub(super) fn empty_if_all_none<T>(column: Vec<Option<T>>) -> Vec<Option<T>> {
    if column.iter().all(Option::is_none) { Vec::new() } else { column }
}
