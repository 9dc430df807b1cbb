//! Why a call did nothing.

use std::borrow::Cow;

use crate::http::ApiError;
use crate::service;

/// Either the call is wrong, or something else is.
pub enum Refused {
    /// What the vendor's form of an error says, with the status of a success.
    Because(Cow<'static, str>),
    /// Answered with the status of the trouble, in the same form.
    Trouble(ApiError),
}

impl Refused {
    /// The call is wrong, and that is why.
    pub fn because(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Because(text.into())
    }

    /// The keys open nothing, or no more.
    pub fn keys() -> Self {
        Self::because("Invalid user_id or user_password")
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        if error.is_project_gone() { Self::keys() } else { Self::Trouble(error) }
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl From<service::Error> for Refused {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::NotFound { .. } => Self::because("Customer not found"),
            service::Error::Duplicate { .. } => Self::because("Another customer has this code"),
            service::Error::Invalid { details } | service::Error::InvalidMetadata { details } => Self::because(details),
            other => ApiError::from(other).into(),
        }
    }
}
