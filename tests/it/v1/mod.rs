mod customers;
mod events;
mod metadata_schemas;
mod orders;
mod segments;
