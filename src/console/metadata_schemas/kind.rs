//! The two kinds of schemas.

use serde_json::{Map, Value, json};

use crate::console::link::encoded;
use crate::console::project::Project;
use crate::console::view::text;
use crate::domain::metadata_schema::MetadataType;

/// What a schema is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The metadata of customers, orders and other resources.
    Metadata,
    /// The metadata of custom events.
    Event,
}

impl Kind {
    /// Returns the path of its pages, below the project.
    pub fn path(self) -> &'static str {
        match self {
            Self::Metadata => "/metadata-schemas",
            Self::Event => "/event-schemas",
        }
    }

    /// Returns the link to the page of a schema.
    pub fn link(self, project: &Project, id: &str) -> String {
        project.link(&format!("{}/{}", self.path(), encoded(id)))
    }

    /// Returns the path of the operations on its schemas.
    pub fn list_operation(self) -> &'static str {
        match self {
            Self::Metadata => "/v1/metadata-schemas",
            Self::Event => "/_emulator/custom-event-schemas",
        }
    }

    /// Returns the path of the operations on one schema.
    pub fn operation(self, id: &str) -> String {
        format!("{}/{}", self.list_operation(), encoded(id))
    }

    /// Returns what a schema is called.
    pub fn title(self, schema: &Value) -> String {
        match self {
            Self::Metadata => format!("Metadata of {}", text(schema, "/related_object")),
            Self::Event => format!("Custom event {}", text(schema, "/name")),
        }
    }

    /// Returns the definitions of a schema.
    pub fn properties(self, schema: &Value) -> Option<&Map<String, Value>> {
        let pointer = match self {
            Self::Metadata => "/properties",
            Self::Event => "/schema/properties",
        };
        schema.pointer(pointer).and_then(Value::as_object)
    }

    /// Returns the body that defines one key.
    pub fn body(self, key: &str, definition: &Value) -> Value {
        let properties = json!({key: definition});
        match self {
            Self::Metadata => json!({"properties": properties}),
            Self::Event => json!({"schema": {"properties": properties}}),
        }
    }

    /// Returns the types that a key can have.
    pub fn types(self) -> Vec<String> {
        let types: &[MetadataType] = match self {
            Self::Metadata => &MetadataType::ALL,
            Self::Event => &MetadataType::EVENT_SCHEMA_TYPES,
        };
        types.iter().map(|one| one.as_str().to_owned()).collect()
    }
}
