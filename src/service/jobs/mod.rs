//! Background jobs. A request accepts a job by storing it; a worker processes it slice by slice, with one transaction
//! for each slice. Each type of job has a file of its own.

mod acceptance;
mod bulk;
mod export;
mod import_csv;
mod import_orders;
mod purge;
mod report;
mod results;
mod runner;
pub(super) mod scheduler;
mod yielding;

pub use acceptance::{Acceptance, JobRequest, accept};
pub use bulk::BulkRecord;
pub use export::{accept_export, delete_export, export};
pub use import_orders::ImportedOrder;
pub use purge::PurgeParameters;
pub use results::{async_action, download, expire};
pub use runner::{RunOutcome, run_next_slice};
pub use scheduler::JobScheduler;
