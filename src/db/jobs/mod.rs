//! Background work: jobs, the slices that they have still to process, and their results.

mod columns;
mod exports;
mod find;
mod listener;
mod queue;
mod results;
mod row;
mod slices;

pub use exports::{ExportDeletion, ExportSort, delete_export, list_exports};
pub use find::{count_unfinished, find, list_async_actions};
pub use listener::{Listener, Notification};
pub(super) use queue::notify;
pub use queue::{disable_statement_timeout, fail_attempt, find_next, find_next_distributed, finish, insert, try_lock};
pub use results::{
    ResultPart, current_snapshot, delete_expired_results, erase_customers_since, find_next_lines, insert_lines,
};
pub use slices::{finish_slice, insert_slice, lock_first_slice, split_slice};
