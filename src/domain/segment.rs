//! Segments of customers.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// How a segment gets its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentType {
    /// A fixed list.
    Static,
    /// A filter; activity is recorded when a customer enters or leaves the segment.
    AutoUpdate,
    /// A filter, evaluated when the segment is read; no activity is recorded.
    Passive,
}

impl SegmentType {
    /// Returns the vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::AutoUpdate => "auto-update",
            Self::Passive => "passive",
        }
    }

    /// Returns the type with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Static, Self::AutoUpdate, Self::Passive].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A segment, without its members.
#[derive(Clone, Debug)]
pub struct Segment {
    /// `seg_...`.
    pub id: String,
    pub name: String,
    pub kind: SegmentType,
    pub filter: Option<JsonText>,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
    /// Only for a segment whose filter depends on the time: when its stored members were last up to date.
    pub evaluated_at: Option<DateTime<Utc>>,
}

/// A customer in a segment.
#[derive(Clone, Debug)]
pub struct SegmentMember {
    pub customer_id: String,
    pub segment_id: String,
    /// The creation time of the customer, by which members are sorted.
    pub customer_created_at: DateTime<Utc>,
}

/// The id and name of a segment, as shown in the list of a customer's segments.
#[derive(Clone, Debug)]
pub struct SegmentName {
    pub id: String,
    pub name: String,
}
