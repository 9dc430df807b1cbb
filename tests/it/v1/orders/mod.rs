mod create;
mod get;
mod import;
mod list;
mod summary;
mod update;
