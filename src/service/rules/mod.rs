//! The rules of a project: the schemas of its metadata, its segments with a filter, and its active webhooks. Every
//! writer works under one version of them; a change of the rules excludes all writers of the project.

pub(super) mod cache;
mod change;
mod current;
mod exclusive;

pub use cache::RulesCache;
pub(super) use change::RulesChange;
pub use current::{clock_time, current};
pub(super) use exclusive::{ExclusiveTransaction, recompute_for_time};
