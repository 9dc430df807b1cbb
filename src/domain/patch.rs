//! A member of a request body that may be absent, `null`, or a value.

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

    /// Puts what was sent into `member`.
    pub fn apply(self, member: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *member = None,
            Self::Value(value) => *member = Some(value),
        }
    }
}
