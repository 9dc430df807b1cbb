//! Metadata schemas: the metadata keys of a resource, and the constraints on their values. Custom-event schemas are the
//! same for the metadata of custom events.

mod cell;
mod definition;
mod schema;
mod validation;

pub use cell::value_of_cell;
pub use definition::{Definition, MetadataType};
pub use schema::{
    EventSchema, MetadataSchema, MetadataSchemaChange, check_size, definitions_from_json, definitions_to_json,
    in_vendor_order,
};
pub use validation::{Write, validate, validate_event};
