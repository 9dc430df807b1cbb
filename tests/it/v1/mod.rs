mod async_actions;
mod consents;
mod customers;
mod events;
mod metadata_schemas;
mod orders;
mod segments;
mod trash_bin;
