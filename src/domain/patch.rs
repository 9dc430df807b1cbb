//! A member of a request body that may be absent, `null`, or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The change that a request makes to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The member was not sent: leave it as it is.
    #[default]
    Absent,
    /// The member was sent as `null`: clear it.
    Null,
    /// The member was sent with a value: set it.
    Value(T),
}

impl<T> Patch<T> {
    /// Returns whether the request did not contain the member.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns the value, if one was sent.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Returns a reference to the value, if one was sent.
    pub fn as_value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Applies the change to `member`.
    pub fn apply(self, member: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *member = None,
            Self::Value(value) => *member = Some(value),
        }
    }
}

/// Serializes a value or `null`. To omit an absent member, mark it `skip_serializing_if = "Patch::is_absent"`.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

/// Deserializes a value or `null`. To accept an absent member, mark it, or its struct, `default`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
