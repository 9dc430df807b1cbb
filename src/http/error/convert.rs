//! What errors of services and of the database are to the client.

use super::{ApiError, ErrorKind};
use crate::db::error::{is_project_gone, is_unavailable};
use crate::service::{self, Resource};

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::NotFound { resource: Resource::Project, identifier } => {
                Self::new(ErrorKind::ProjectNotFound).with_details(format!("Cannot find project with id {identifier}"))
            }
            service::Error::NotFound { resource, identifier } => Self {
                resource: Some((identifier.clone(), resource.as_str())),
                ..Self::new(ErrorKind::NotFound)
                    .with_details(format!("Cannot find {} with id {identifier}", resource.as_str()))
            },
            service::Error::Invalid { details } => Self::invalid_payload(details),
            service::Error::Filter(error) => Self::filter(&error, ErrorKind::InvalidPayload, ".filter"),
            service::Error::ExportFilter(error) => {
                Self::filter(&error, ErrorKind::InvalidPayload, ".parameters.filters")
            }
            service::Error::InvalidMetadata { details } => Self::new(ErrorKind::InvalidMetadata).with_details(details),
            service::Error::Duplicate { resource, field, value } => Self {
                resource: Some((value.clone(), resource.as_str())),
                ..Self::new(ErrorKind::Duplicate)
                    .with_details(format!("Duplicated {} exists with {field} {value}", resource.as_str()))
            },
            service::Error::Refused => Self::new(ErrorKind::KeysGone),
            service::Error::Forbidden { details } => Self::new(ErrorKind::Forbidden).with_details(details),
            service::Error::Database(error) => error.into(),
            service::Error::LostRace => Self::new(ErrorKind::Internal).with_cause(&service::Error::LostRace),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        database_error(&error)
    }
}

/// What a failure of the database is to the client. The error's message goes to the log; the values of a row, which
/// PostgreSQL tells in its detail, are personal data and do not.
pub fn database_error(error: &sqlx::Error) -> ApiError {
    if is_project_gone(error) {
        // Its keys were good a moment ago, and are not any more.
        return ApiError::new(ErrorKind::KeysGone);
    }
    if is_unavailable(error) {
        return ApiError::new(ErrorKind::Unavailable)
            .with_details("The database cannot be reached at the moment")
            .with_cause(error);
    }
    ApiError::new(ErrorKind::Internal).with_cause(error)
}
