mod failures;
mod forgetting;
mod get;
mod list;
mod queue;
