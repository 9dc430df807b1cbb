//! A member of a request body that may be absent, `null`, or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a request says about one member.
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
    /// Whether the request says nothing about the member.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The value, if one was sent.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, if there is one, without taking it.
    pub fn as_value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Puts what was sent into `member`.
    pub fn apply(self, member: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *member = None,
            Self::Value(value) => *member = Some(value),
        }
    }
}

/// A value or `null`. An absent member is not written at all: mark it `skip_serializing_if = "Patch::is_absent"`.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

/// A value or `null`. For an absent member the default is taken: mark it, or its struct, `default`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
