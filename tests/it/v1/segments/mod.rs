mod create;
mod delete;
mod filters;
mod get;
mod list;
mod membership;
