//! What a project says about every write: the segments with a filter.

use chrono::{DateTime, Utc};

use super::filter::{CustomerField, Filter, FilterError, Kind, Subject};
use super::segment::{SegmentName, SegmentType};

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
    /// Oldest first.
    pub segments: Vec<FilteredSegment>,
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
        CustomerField::parse(name, |_| None)
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

    /// The segments that a customer is in at `now`, oldest first.
    pub fn segments_of(&self, subject: &Subject, now: DateTime<Utc>) -> impl Iterator<Item = &FilteredSegment> {
        self.segments.iter().filter(move |segment| segment.filter.admits(subject, now))
    }
}
