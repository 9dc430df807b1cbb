//! The fields that lists of segments are filtered by.

use super::Kind;

/// A field of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentField {
    Id,
    Name,
    Type,
    CreatedAt,
}

impl SegmentField {
    /// The field of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<(Self, Kind)> {
        Some(match name {
            "id" => (Self::Id, Kind::Text),
            "name" => (Self::Name, Kind::Text),
            "type" => (Self::Type, Kind::Text),
            "created_at" => (Self::CreatedAt, Kind::Moment),
            _ => return None,
        })
    }
}
