mod get;
mod list;
mod queue;
