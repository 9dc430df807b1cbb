//! Converts errors of services and of the database to error responses.

use super::{ApiError, ErrorKind};
use crate::db::error::{is_project_deleted, is_statement_timeout, outage};
use crate::domain::outage::Outage;
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
            service::Error::AccessRevoked => Self::new(ErrorKind::AccessRevoked),
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

/// Converts an error of the database. Its message goes to the log. PostgreSQL's `DETAIL` is left out, because it shows the values of
/// a row, which can be personal data.
pub(crate) fn database_error(error: &sqlx::Error) -> ApiError {
    if is_project_deleted(error) {
        // The keys were valid at the start of the request, and the project was deleted since.
        return ApiError::new(ErrorKind::AccessRevoked);
    }
    if let Some(outage) = outage(error) {
        let answer = ApiError::new(ErrorKind::Unavailable).with_details(outage.details()).with_cause(error);
        return ApiError { outage: Some(outage), ..answer };
    }
    if is_statement_timeout(error) {
        return ApiError::new(ErrorKind::Unavailable)
            .with_details("A statement in the database took longer than its time limit")
            .with_cause(error);
    }
    ApiError::new(ErrorKind::Internal).with_cause(error)
}

impl ApiError {
    /// Returns why the database as a whole failed, if it did.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.outage
    }
}
