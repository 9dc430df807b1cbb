mod create;
mod export;
mod get;
mod import;
mod list;
mod summary;
mod update;
