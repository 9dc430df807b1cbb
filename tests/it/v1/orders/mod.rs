mod create;
mod get;
mod list;
mod summary;
mod update;
