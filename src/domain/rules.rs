//! The rules of a project that apply to its writes: metadata schemas, segments with a filter, and webhook
//! subscriptions.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::filter::{CustomerField, CustomerValues, FieldKind, Filter, FilterError, JunctionRule, OrderField};
use super::metadata_schema::{Definition, EventSchema, MetadataSchema, MetadataType, Write, validate, validate_event};
use super::segment::{SegmentName, SegmentType};
use super::webhook::Subscription;

/// A segment whose members are determined by a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct FilteredSegment {
    pub id: String,
    pub name: String,
    pub kind: SegmentType,
    pub filter: Filter<CustomerField>,
    pub created_at: DateTime<Utc>,
}

impl FilteredSegment {
    /// Returns whether activity is recorded when a customer enters or leaves the segment.
    #[must_use]
    pub fn records_membership_changes(&self) -> bool {
        self.kind == SegmentType::AutoUpdate
    }

    /// Returns the id and name of the segment.
    #[must_use]
    pub fn id_and_name(&self) -> SegmentName {
        SegmentName { id: self.id.clone(), name: self.name.clone() }
    }
}

/// The rules of a project at one version.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Incremented by each change.
    pub version: i64,
    pub metadata_schemas: Vec<MetadataSchema>,
    pub event_schemas: Vec<EventSchema>,
    /// The segments with a filter, oldest first.
    pub segments: Vec<FilteredSegment>,
    /// The active webhooks, oldest first.
    pub subscriptions: Vec<Subscription>,
}

impl Rules {
    /// Parses a filter of customers.
    ///
    /// # Errors
    /// Returns the first error in the filter.
    pub fn customer_filter(&self, json: &serde_json::Value) -> Result<Filter<CustomerField>, FilterError> {
        Filter::parse(json, JunctionRule::Required, |name| self.customer_field(name))
    }

    /// Returns the customer field with that filter name.
    #[must_use]
    pub fn customer_field(&self, name: &str) -> Option<(CustomerField, FieldKind)> {
        CustomerField::parse(name, |key| self.metadata_kind("customer", key))
    }

    /// Returns the order field with that filter name.
    #[must_use]
    pub fn order_field(&self, name: &str) -> Option<(OrderField, FieldKind)> {
        OrderField::parse(name, |key| self.metadata_kind("order", key))
    }

    fn metadata_kind(&self, related_object: &str, key: &str) -> Option<FieldKind> {
        let definition = self.definition(related_object, key)?;
        Some(match definition.kind {
            MetadataType::Number => FieldKind::Number,
            MetadataType::Date => FieldKind::Day,
            MetadataType::Datetime => FieldKind::Moment,
            _ => FieldKind::Text,
        })
    }

    /// Returns the metadata keys that are defined for `related_object`, in the order of its schema.
    #[must_use]
    pub fn metadata_keys(&self, related_object: &str) -> Vec<&str> {
        let properties = self.metadata_schema(related_object).map(|schema| schema.properties.as_slice());
        let defined = properties.unwrap_or_default().iter().filter(|(_, definition)| !definition.deleted);
        defined.map(|(key, _)| key.as_str()).collect()
    }

    fn metadata_schema(&self, related_object: &str) -> Option<&MetadataSchema> {
        self.metadata_schemas.iter().find(|schema| schema.related_object == related_object)
    }

    /// Returns the definition of a metadata key of `related_object`.
    #[must_use]
    pub fn definition(&self, related_object: &str, key: &str) -> Option<&Definition> {
        self.metadata_schema(related_object)?.definition(key)
    }

    /// Returns the schema of the custom events with that name.
    #[must_use]
    pub fn event_schema(&self, name: &str) -> Option<&EventSchema> {
        self.event_schemas.iter().find(|schema| schema.name == name)
    }

    /// Validates metadata against the schema of `related_object`. For a creation, `metadata` must be the complete
    /// metadata; for a change, only the keys that were sent.
    ///
    /// # Errors
    /// Returns the details of the first violation.
    pub fn check_metadata(
        &self,
        related_object: &str,
        metadata: Option<&Map<String, Value>>,
        write: Write,
    ) -> Result<(), String> {
        let Some(schema) = self.metadata_schema(related_object) else { return Ok(()) };
        validate(schema, &self.metadata_schemas, metadata.unwrap_or(&Map::new()), write)
    }

    /// Validates the metadata of a custom event against the schema with its name, if there is one.
    ///
    /// # Errors
    /// Returns the details of the first violation.
    pub fn check_event(&self, name: &str, metadata: &Map<String, Value>) -> Result<(), String> {
        self.event_schema(name).map_or(Ok(()), |schema| validate_event(schema, metadata))
    }

    /// Returns the names of the custom events whose counts are used by segment filters.
    #[must_use]
    pub fn counted_events(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.segments.iter().flat_map(|segment| segment.filter.counted_events()).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the fields whose moments are stored because a segment filter compares them with the current time,
    /// without duplicates.
    #[must_use]
    pub fn time_dependent_fields(&self) -> Vec<(&CustomerField, FieldKind)> {
        let mut fields: Vec<(&CustomerField, FieldKind)> = Vec::new();
        for (field, kind) in self.segments.iter().flat_map(|segment| segment.filter.time_dependent_fields()) {
            if field.stored_moment_name().is_some() && !fields.contains(&(field, kind)) {
                fields.push((field, kind));
            }
        }
        fields
    }

    /// Returns the values of a customer in [`Rules::time_dependent_fields`], each with the name of its field.
    #[must_use]
    pub fn moments_of(&self, customer: &CustomerValues) -> Vec<(String, DateTime<Utc>)> {
        let mut stored = Vec::new();
        for (field, kind) in self.time_dependent_fields() {
            let name = field.stored_moment_name().unwrap_or_default();
            stored.extend(customer.moments(field, kind).into_iter().map(|moment| (name.clone(), moment)));
        }
        stored
    }
}
