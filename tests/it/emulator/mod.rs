mod consents;
mod custom_event_schemas;
mod customer_state;
mod health;
mod keys;
mod metadata_schemas;
mod project;
mod webhooks;
