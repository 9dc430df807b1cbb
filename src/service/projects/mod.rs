//! Projects: creating, changing and deleting them.

mod deletion;
mod manage;
mod resolve;

pub use deletion::{delete, purge_deleted, purge_deleted_snapshots};
pub use manage::{ProjectRequest, create, update};
pub use resolve::resolve;
