//! Orders.

mod bulk;
mod find;
mod find_each;
mod list;
mod row;
mod write;

pub use bulk::{find_all, insert_all, lock_all, update_all};
pub use find::{find, find_by_id, find_by_source_id, lock};
pub use find_each::FindOrders;
pub use list::{OrderFilter, list};
pub(super) use row::OrderRow;
pub use write::{insert, purge_metadata, update};
