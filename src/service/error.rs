//! The errors that service functions return.

use crate::db::error::{is_project_deleted, is_statement_timeout, is_transient};
use crate::domain::filter::FilterError;
use crate::domain::job::{Failure, FailureKind};

/// The kind of resource that an error is about, with the vendor's name of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Customer,
    UnconfirmedCustomer,
    Order,
    Segment,
    Consent,
    ConsentGroup,
    BinEntry,
    MetadataSchema,
    EventSchema,
    AsyncAction,
    Export,
    Webhook,
    WebhookDelivery,
    Key,
    Project,
    LoggedRequest,
    Fault,
    Snapshot,
    PermanentDeletion,
}

impl Resource {
    /// Returns the vendor's name of the resource.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::UnconfirmedCustomer => "unconfirmed_customer",
            Self::Order => "order",
            Self::Segment => "segment",
            Self::Consent => "consent",
            Self::ConsentGroup => "consent_group",
            Self::BinEntry => "trash_bin_entry",
            Self::MetadataSchema => "metadata schema",
            Self::EventSchema => "custom_event_schema",
            Self::AsyncAction => "async_action",
            Self::Export => "export",
            Self::Webhook => "webhook",
            Self::WebhookDelivery => "webhook_delivery",
            Self::Key => "key",
            Self::Project => "project",
            Self::LoggedRequest => "request",
            Self::Fault => "fault",
            Self::Snapshot => "snapshot",
            Self::PermanentDeletion => "permanent_deletion",
        }
    }
}

/// Why a service function failed. Its transaction was rolled back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project has no such resource with this identifier.
    #[error("no {} with that identifier", .resource.as_str())]
    NotFound { resource: Resource, identifier: String },
    /// The request has the right form, but its content is not allowed.
    #[error("invalid payload: {details}")]
    Invalid { details: String },
    /// The filter of a segment is invalid.
    #[error("invalid filter: {0}")]
    Filter(#[from] FilterError),
    /// The filter of an export is invalid.
    #[error("invalid filter: {0}")]
    ExportFilter(FilterError),
    /// Metadata violates its schema. The error text is logged and leaves out the details, because they quote the
    /// metadata.
    #[error("metadata violates its schema")]
    InvalidMetadata { details: String },
    /// The project already has such a resource whose `field` is `value`.
    #[error("another {} has this {field}", .resource.as_str())]
    Duplicate { resource: Resource, field: &'static str, value: String },
    /// The key of the caller was revoked, or its project was deleted, after the request was authenticated.
    #[error("the key was revoked or its project deleted")]
    AccessRevoked,
    /// The operation is not allowed on this resource, whatever the payload contains.
    #[error("forbidden: {details}")]
    Forbidden { details: &'static str },
    /// A concurrent transaction made a conflicting change. A new attempt sees that change.
    #[error("a concurrent transaction made a conflicting change")]
    LostRace,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// Returns the error for metadata that violates its schema in the way that `details` describes.
    #[must_use]
    pub fn invalid_metadata(details: String) -> Self {
        Self::InvalidMetadata { details }
    }

    /// Converts an error that a record of a job caused into the failure of that record.
    ///
    /// # Errors
    /// Returns the error itself when the record did not cause it: a database error or a lost race, for example.
    pub fn into_record_failure(self) -> Result<Failure, Self> {
        let (kind, details) = match self {
            Self::NotFound { resource, identifier } => {
                (FailureKind::NotFound, format!("Cannot find {} with id {identifier}", resource.as_str()))
            }
            Self::Invalid { details } => (FailureKind::InvalidPayload, details),
            Self::InvalidMetadata { details } => (FailureKind::InvalidMetadata, details),
            other => return Err(other),
        };
        Ok(Failure::new(kind, details))
    }

    /// Whether the cause is temporary, so that the same operation may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::LostRace => true,
            Self::Database(error) => is_transient(error),
            _ => false,
        }
    }

    /// Whether a statement exceeded the time limit of the database.
    #[must_use]
    pub fn is_statement_timeout(&self) -> bool {
        matches!(self, Self::Database(error) if is_statement_timeout(error))
    }

    /// Whether the project was deleted in the meantime.
    #[must_use]
    pub fn is_project_deleted(&self) -> bool {
        matches!(self, Self::Database(error) if is_project_deleted(error))
    }

    /// Returns the error for a `resource` that has no member with this `identifier`.
    pub fn not_found(resource: Resource, identifier: impl Into<String>) -> Self {
        Self::NotFound { resource, identifier: identifier.into() }
    }
}
