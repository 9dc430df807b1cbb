//! The fields by which lists of segments are filtered.

use super::kind::FieldKind;

/// A field of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentField {
    Id,
    Name,
    Type,
    CreatedAt,
}

impl SegmentField {
    /// Returns the field with that name and its kind.
    #[must_use]
    pub fn parse(name: &str) -> Option<(Self, FieldKind)> {
        Some(match name {
            "id" => (Self::Id, FieldKind::Text),
            "name" => (Self::Name, FieldKind::Text),
            "type" => (Self::Type, FieldKind::Text),
            "created_at" => (Self::CreatedAt, FieldKind::Moment),
            _ => return None,
        })
    }
}
