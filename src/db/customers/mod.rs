//! Customers.

mod bulk;
mod connected_rows;
mod created_per_minute;
mod find;
mod find_each;
mod insert;
mod insert_distributed;
mod insert_each;
mod list;
mod new_customer;
mod order_summary;
mod row;
mod search;
mod update;

pub use bulk::{insert_all, update_all};
pub use connected_rows::{ConnectedRows, count_connected_rows};
pub use created_per_minute::{MAX_COUNTED_PER_MINUTE, count_created_per_minute};
pub(super) use find::push_id;
pub use find::{find, find_all, find_by_source_id, lock, lock_all, lock_by_id, lock_by_source_id, may_be_id};
pub use find_each::FindCustomers;
pub use insert::insert;
pub use insert_each::InsertCustomers;
pub use list::{Cursor, CustomerFilter, CustomerPage, list};
pub use new_customer::NewCustomer;
pub use order_summary::refresh_order_summaries;
pub use search::{SearchField, search};
pub use update::{mark_deleted, purge_metadata, update_state};
