mod create;
mod export;
mod get;
mod list;
mod summary;
mod update;
