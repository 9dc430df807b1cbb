mod consents;
mod custom_event_schemas;
mod health;
mod metadata_schemas;
