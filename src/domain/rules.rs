//! What a project says about every write: the schemas of metadata, and the segments with a filter.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::filter::{CustomerField, Filter, FilterError, Kind, OrderField, Subject};
use super::metadata_schema::{Definition, EventSchema, MetadataSchema, MetadataType, Write, validate, validate_event};
use super::segment::{SegmentName, SegmentType};
use super::webhook::Subscription;

/// A segment whose members a filter decides.
#[derive(Clone, Debug, PartialEq)]
pub struct FilteredSegment {
    pub id: String,
    pub name: String,
    pub kind: SegmentType,
    pub filter: Filter<CustomerField>,
    pub created_at: DateTime<Utc>,
}

impl FilteredSegment {
    /// Whether its comings and goings are entered in the activity.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.kind == SegmentType::AutoUpdate
    }

    /// The short form.
    #[must_use]
    pub fn named(&self) -> SegmentName {
        SegmentName { id: self.id.clone(), name: self.name.clone() }
    }
}

/// The rules of a project, as they were at one version.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Counted up with each change.
    pub version: i64,
    pub metadata_schemas: Vec<MetadataSchema>,
    pub event_schemas: Vec<EventSchema>,
    /// Oldest first.
    pub segments: Vec<FilteredSegment>,
    /// The active webhooks, oldest first.
    pub subscriptions: Vec<Subscription>,
}

impl Rules {
    /// Reads a filter of customers.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn customer_filter(&self, json: &serde_json::Value) -> Result<Filter<CustomerField>, FilterError> {
        Filter::parse(json, None, |name| self.customer_field(name))
    }

    /// The field of customers that filters call by that name.
    #[must_use]
    pub fn customer_field(&self, name: &str) -> Option<(CustomerField, Kind)> {
        CustomerField::parse(name, |key| self.metadata_kind("customer", key))
    }

    /// The field of orders that filters call by that name.
    #[must_use]
    pub fn order_field(&self, name: &str) -> Option<(OrderField, Kind)> {
        OrderField::parse(name, |key| self.metadata_kind("order", key))
    }

    fn metadata_kind(&self, related_object: &str, key: &str) -> Option<Kind> {
        let definition = self.definition(related_object, key)?;
        Some(match definition.kind {
            MetadataType::Number => Kind::Number,
            MetadataType::Date => Kind::Day,
            MetadataType::Datetime => Kind::Moment,
            _ => Kind::Text,
        })
    }

    /// The metadata keys of that object that have a definition, in its schema's order.
    #[must_use]
    pub fn metadata_keys(&self, related_object: &str) -> Vec<&str> {
        let properties = self.metadata_schema(related_object).map(|schema| schema.properties.as_slice());
        let defined = properties.unwrap_or_default().iter().filter(|(_, definition)| !definition.deleted);
        defined.map(|(key, _)| key.as_str()).collect()
    }

    fn metadata_schema(&self, related_object: &str) -> Option<&MetadataSchema> {
        self.metadata_schemas.iter().find(|schema| schema.related_object == related_object)
    }

    /// What a key of that object's metadata may hold.
    #[must_use]
    pub fn definition(&self, related_object: &str, key: &str) -> Option<&Definition> {
        self.metadata_schema(related_object)?.definition(key)
    }

    /// The schema of the custom events of that name.
    #[must_use]
    pub fn event_schema(&self, name: &str) -> Option<&EventSchema> {
        self.event_schemas.iter().find(|schema| schema.name == name)
    }

    /// That metadata which was sent, all of it at a creation, is what the schema of that object says.
    ///
    /// # Errors
    /// The details of the error.
    pub fn check_metadata(
        &self,
        related_object: &str,
        metadata: Option<&Map<String, Value>>,
        write: Write,
    ) -> Result<(), String> {
        let Some(schema) = self.metadata_schema(related_object) else { return Ok(()) };
        validate(schema, &self.metadata_schemas, metadata.unwrap_or(&Map::new()), write)
    }

    /// That the metadata of a custom event is what the schema of its name says, where there is one.
    ///
    /// # Errors
    /// The details of the error.
    pub fn check_event(&self, name: &str, metadata: &Map<String, Value>) -> Result<(), String> {
        self.event_schema(name).map_or(Ok(()), |schema| validate_event(schema, metadata))
    }

    /// The names of the custom events that the segments count.
    #[must_use]
    pub fn counted_events(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.segments.iter().flat_map(|segment| segment.filter.counted_events()).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The fields whose moments are stored, because a filter compares them with the time; each once.
    #[must_use]
    pub fn timed_fields(&self) -> Vec<(&CustomerField, Kind)> {
        let mut timed: Vec<(&CustomerField, Kind)> = Vec::new();
        for (field, kind) in self.segments.iter().flat_map(|segment| segment.filter.timed()) {
            if field.stored_as().is_some() && !timed.contains(&(field, kind)) {
                timed.push((field, kind));
            }
        }
        timed
    }

    /// The moments of those fields that a customer has.
    #[must_use]
    pub fn moments_of(&self, subject: &Subject) -> Vec<(String, DateTime<Utc>)> {
        let mut stored = Vec::new();
        for (field, kind) in self.timed_fields() {
            let name = field.stored_as().unwrap_or_default();
            stored.extend(subject.moments(field, kind).into_iter().map(|moment| (name.clone(), moment)));
        }
        stored
    }

    /// The segments that a customer is in at `now`, oldest first.
    pub fn segments_of(&self, subject: &Subject, now: DateTime<Utc>) -> impl Iterator<Item = &FilteredSegment> {
        self.segments.iter().filter(move |segment| segment.filter.admits(subject, now))
    }
}
