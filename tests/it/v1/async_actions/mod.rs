mod erasure;
mod failures;
mod get;
mod list;
mod queue;
