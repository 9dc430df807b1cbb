//! Orders.

mod bulk;
mod find;
mod find_each;
mod list;
mod row;
mod write;

pub use bulk::{find_all, insert_all, lock_all, update_all};
pub use find::find;
pub use find_each::FindOrders;
pub use list::{OrderFilter, list};
pub(super) use row::OrderRow;
pub use write::purge_metadata;
