//! Segments of customers.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// How a segment gets its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentType {
    /// A fixed list.
    Static,
    /// A filter whose comings and goings are announced.
    AutoUpdate,
    /// A filter, evaluated when asked.
    Passive,
}

impl SegmentType {
    /// The vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::AutoUpdate => "auto-update",
            Self::Passive => "passive",
        }
    }

    /// The type of that name.
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
    /// Of a segment whose filter depends on the time: when its stored members were last all right.
    pub evaluated_at: Option<DateTime<Utc>>,
}

/// A customer in a segment.
#[derive(Clone, Debug)]
pub struct SegmentMember {
    pub customer_id: String,
    pub segment_id: String,
    /// The customer's, so that members are listed in its order.
    pub customer_created_at: DateTime<Utc>,
}

/// A segment as the list of a customer's segments names it.
#[derive(Clone, Debug)]
pub struct SegmentName {
    pub id: String,
    pub name: String,
}
