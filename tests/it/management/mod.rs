mod custom_event_schemas;
mod metadata_schemas;
mod projects;
mod webhooks;
