//! The errors of this endpoint.

use std::borrow::Cow;

use crate::http::ApiError;
use crate::service;

/// The reason why a call was not executed.
pub enum CallError {
    /// The request is invalid. The text is answered in the error format of `StickyStreet` with status 200.
    Rejected(Cow<'static, str>),
    /// Any other failure. It is answered in the same format with the status of the [`ApiError`].
    Api(ApiError),
}

impl CallError {
    /// Creates the error of an invalid request.
    pub fn rejected(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Rejected(text.into())
    }

    /// Creates the error for credentials that are unknown, or whose project was deleted.
    pub fn invalid_credentials() -> Self {
        Self::rejected("Invalid user_id or user_password")
    }
}

impl From<ApiError> for CallError {
    fn from(error: ApiError) -> Self {
        if error.is_access_revoked() { Self::invalid_credentials() } else { Self::Api(error) }
    }
}

impl From<sqlx::Error> for CallError {
    fn from(error: sqlx::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl From<service::Error> for CallError {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::NotFound { .. } => Self::rejected("Customer not found"),
            service::Error::Duplicate { .. } => Self::rejected("Another customer has this code"),
            service::Error::Invalid { details } | service::Error::InvalidMetadata { details } => {
                Self::rejected(details)
            }
            other => ApiError::from(other).into(),
        }
    }
}
