//! The definition of one metadata key.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The type of the value of a metadata key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataType {
    String,
    Number,
    Object,
    Date,
    Datetime,
    Geopoint,
    Boolean,
    ImageUrl,
}

impl MetadataType {
    /// All types, in the vendor's order.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::Number,
        Self::Object,
        Self::Date,
        Self::Datetime,
        Self::Geopoint,
        Self::Boolean,
        Self::ImageUrl,
    ];
    /// The types that a custom-event schema supports.
    pub const EVENT_SCHEMA_TYPES: [Self; 5] = [Self::String, Self::Number, Self::Date, Self::Datetime, Self::Boolean];

    /// Returns the vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Object => "object",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Geopoint => "geopoint",
            Self::Boolean => "boolean",
            Self::ImageUrl => "image_url",
        }
    }
}

/// The constraints on the value of one key. Serialized in its stored form, without members that have no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    #[serde(rename = "type")]
    pub kind: MetadataType,
    /// Whether the key may be missing.
    pub optional: bool,
    /// Whether the value is an array. All other constraints then apply to each element.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub array: bool,
    /// Whether the definition was soft-deleted. It then does not apply, but can be restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Only for objects: the `related_object` of their schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// The allowed values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eq: Option<Vec<Value>>,
    /// The forbidden values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ne: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lte: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gte: Option<Number>,
    /// Minimum length in UTF-16 code units, which JavaScript counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// Maximum length in UTF-16 code units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// Exact length in UTF-16 code units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_length: Option<u64>,
}

impl Definition {
    /// Returns a definition without constraints other than the type and whether the key is optional.
    #[must_use]
    pub fn new(kind: MetadataType, optional: bool) -> Self {
        Self {
            kind,
            optional,
            array: false,
            deleted: false,
            object_type: None,
            eq: None,
            ne: None,
            lt: None,
            lte: None,
            gt: None,
            gte: None,
            min_length: None,
            max_length: None,
            exact_length: None,
        }
    }
}
