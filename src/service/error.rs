//! What a service can answer instead of its result.

use crate::db::error::{is_passing, is_project_gone, is_time_limit};
use crate::domain::filter::FilterError;
use crate::domain::job::{Failure, FailureKind};

/// What kind of thing was looked for, in the vendor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Customer,
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
}

impl Resource {
    /// The vendor's name of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
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
        }
    }
}

/// Why a service did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of that kind has this identifier, in this project.
    #[error("no {} with that identifier", .resource.as_str())]
    NotFound { resource: Resource, identifier: String },
    /// The request was understood and says something that cannot be.
    #[error("invalid payload: {details}")]
    Invalid { details: String },
    /// A filter that is none, of a segment.
    #[error("invalid filter: {0}")]
    Filter(#[from] FilterError),
    /// A filter that is none, of an export.
    #[error("invalid filter: {0}")]
    ExportFilter(FilterError),
    /// Metadata is not what its schema says. The details quote it, and so stay out of the text for the log.
    #[error("metadata is not what its schema says")]
    InvalidMetadata { details: String },
    /// The project has such a thing already: one whose `field` is `value`.
    #[error("another {} has this {field}", .resource.as_str())]
    Duplicate { resource: Resource, field: &'static str, value: String },
    /// The key of the caller opens nothing any more.
    #[error("the key opens nothing any more")]
    Refused,
    /// It is not allowed here, whatever the payload says.
    #[error("forbidden: {details}")]
    Forbidden { details: &'static str },
    /// Another transaction did the same at the same time; done again from its start, the work finds what that one did.
    #[error("another transaction was faster")]
    LostRace,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// Metadata is not what its schema says; `details` says how.
    #[must_use]
    pub fn invalid_metadata(details: String) -> Self {
        Self::InvalidMetadata { details }
    }

    /// Why a record that met this error was not applied; an error that has nothing to do with the record comes back.
    ///
    /// # Errors
    /// Where the record is not to blame: the database failed, or another transaction was faster.
    pub fn of_record(self) -> Result<Failure, Self> {
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

    /// Whether the same work may succeed after a while, since it is not to blame.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::LostRace => true,
            Self::Database(error) => is_passing(error),
            _ => false,
        }
    }

    /// Whether it took longer than the database lets it.
    #[must_use]
    pub fn is_time_limit(&self) -> bool {
        matches!(self, Self::Database(error) if is_time_limit(error))
    }

    /// Whether the project was deleted meanwhile, in which it was to be done.
    #[must_use]
    pub fn is_project_gone(&self) -> bool {
        matches!(self, Self::Database(error) if is_project_gone(error))
    }

    /// No `resource` has this `identifier`.
    pub fn not_found(resource: Resource, identifier: impl Into<String>) -> Self {
        Self::NotFound { resource, identifier: identifier.into() }
    }
}
