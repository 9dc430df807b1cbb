mod consents;
mod custom_event_schemas;
mod customer_state;
mod health;
mod metadata_schemas;
mod project;
