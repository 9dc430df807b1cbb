//! Every error of the API: its status, key, message and the form of its body.

mod convert;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::answer::JSON;
use crate::domain::filter::FilterError;
use crate::domain::job::{Failure as RecordFailure, FailureKind};
use crate::domain::outage::Outage;
use crate::objects::ObjectWriter;

pub(crate) use convert::database_error;

/// A kind of error. Each is a row of the table in `row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The JSON body is well-formed and a member of it is not valid.
    InvalidPayload,
    /// A query parameter is not valid.
    InvalidQueryParams,
    /// The metadata does not match its schema.
    InvalidMetadata,
    NotEnoughSourceIds,
    InvalidExportFields,
    InvalidScope,
    InvalidGrantType,
    MissingParameters,
    /// The body is not JSON.
    MalformedJson,
    /// The request is not HTTP that the server can parse.
    BadRequest,
    Unauthorized,
    /// Answered like [`ErrorKind::Unauthorized`]: the project was deleted or the key was revoked during the request.
    AccessRevoked,
    /// The scopes of the token do not include the operation.
    MissingPermission,
    NotFound,
    /// A management request names an unknown project. The vendor has a form of its own for this error.
    ProjectNotFound,
    /// The operation is not allowed for any caller, for instance the deletion of the default project.
    Forbidden,
    Duplicate,
    MethodNotAllowed,
    NotAcceptable,
    /// The client was too slow to send its request.
    RequestTimeout,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    /// The request names a host that the emulator does not serve.
    MisdirectedRequest,
    TooManyRequests,
    HeadersTooLarge,
    Internal,
    NotEmulated,
    Unavailable,
    /// The vendor's plan does not include the feature. Only a fault answers so.
    MissingFeature,
    /// A status that only a fault answers with.
    Other(StatusCode),
}

/// The form of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `code`, `key`, `message`, `details`, `request_id`, ...
    Standard,
    /// The members of [`Shape::Standard`] without the request id.
    WithoutRequestId,
    /// `code`, `key`, and a `message` that includes the details.
    OAuth,
    /// `code`, `message`, `details`, `key`: the vendor's order for errors of authentication and authorization.
    Access,
    /// `statusCode`, `error`, `message`: the body of the vendor's web framework.
    Framework,
}

impl ErrorKind {
    /// Returns status, key, message and shape. The vendor does not publish its texts of 406, 415, 500 and 503, and it has no 421 and no 501;
    /// these texts are this project's.
    fn row(self) -> (StatusCode, Option<&'static str>, &'static str, Shape) {
        use ErrorKind as Kind;
        let key_of = |kind: FailureKind| Some(kind.key());
        match self {
            Kind::InvalidPayload => (
                StatusCode::BAD_REQUEST,
                key_of(FailureKind::InvalidPayload),
                FailureKind::InvalidPayload.message(),
                Shape::Standard,
            ),
            Kind::InvalidQueryParams => {
                (StatusCode::BAD_REQUEST, Some("invalid_query_params"), "Invalid query params", Shape::Standard)
            }
            Kind::InvalidMetadata => (
                StatusCode::BAD_REQUEST,
                key_of(FailureKind::InvalidMetadata),
                FailureKind::InvalidMetadata.message(),
                Shape::Standard,
            ),
            Kind::NotEnoughSourceIds => {
                (StatusCode::BAD_REQUEST, Some("not_enough_source_ids"), "Not enough source_ids", Shape::Standard)
            }
            Kind::InvalidExportFields => {
                (StatusCode::BAD_REQUEST, Some("invalid_export_fields"), "Invalid Export", Shape::Standard)
            }
            Kind::InvalidScope => (StatusCode::BAD_REQUEST, Some("invalid_scope"), "Invalid scope", Shape::OAuth),
            Kind::InvalidGrantType => {
                (StatusCode::BAD_REQUEST, Some("invalid_grant_type"), "Invalid grant_type", Shape::OAuth)
            }
            Kind::MissingParameters => {
                (StatusCode::BAD_REQUEST, Some("missing_parameters"), "Missing parameters", Shape::OAuth)
            }
            Kind::MalformedJson => {
                (StatusCode::BAD_REQUEST, None, "Invalid request payload JSON format", Shape::Framework)
            }
            Kind::BadRequest => (StatusCode::BAD_REQUEST, None, "Bad Request", Shape::Framework),
            Kind::UriTooLong => (StatusCode::URI_TOO_LONG, None, "URI Too Long", Shape::Framework),
            Kind::HeadersTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, None, "Request Header Fields Too Large", Shape::Framework)
            }
            Kind::Unauthorized | Kind::AccessRevoked => {
                (StatusCode::UNAUTHORIZED, Some("unauthorized"), "Unauthorized", Shape::Access)
            }
            Kind::MissingPermission => {
                (StatusCode::FORBIDDEN, Some("missing_required_permission"), "Missing permission", Shape::Access)
            }
            Kind::NotFound => {
                (StatusCode::NOT_FOUND, key_of(FailureKind::NotFound), FailureKind::NotFound.message(), Shape::Standard)
            }
            Kind::ProjectNotFound => {
                (StatusCode::NOT_FOUND, None, FailureKind::NotFound.message(), Shape::WithoutRequestId)
            }
            Kind::Forbidden => (StatusCode::FORBIDDEN, Some("forbidden"), "Forbidden", Shape::Standard),
            Kind::Duplicate => {
                (StatusCode::CONFLICT, Some("duplicate_found"), "Duplicated resource found", Shape::Standard)
            }
            Kind::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, None, "HTTP Method Not Allowed", Shape::WithoutRequestId)
            }
            Kind::NotAcceptable => {
                (StatusCode::NOT_ACCEPTABLE, Some("not_acceptable"), "Not acceptable", Shape::Standard)
            }
            Kind::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, None, "Request Time-out", Shape::Framework),
            Kind::PayloadTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                "Payload content length greater than maximum allowed",
                Shape::Framework,
            ),
            Kind::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, None, "Unsupported Media Type", Shape::Framework)
            }
            Kind::MisdirectedRequest => {
                (StatusCode::MISDIRECTED_REQUEST, Some("misdirected_request"), "Misdirected Request", Shape::Standard)
            }
            Kind::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                None,
                "Too many requests hit the API too quickly.",
                Shape::WithoutRequestId,
            ),
            Kind::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                key_of(FailureKind::Internal),
                FailureKind::Internal.message(),
                Shape::Standard,
            ),
            Kind::NotEmulated => (StatusCode::NOT_IMPLEMENTED, Some("not_emulated"), "Not emulated", Shape::Standard),
            Kind::MissingFeature => (
                StatusCode::PAYMENT_REQUIRED,
                Some("missing_required_feature"),
                "Payment required",
                Shape::WithoutRequestId,
            ),
            Kind::Other(status) => {
                (status, None, status.canonical_reason().unwrap_or("Unknown status"), Shape::Standard)
            }
            Kind::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, Some("service_unavailable"), "Service unavailable", Shape::Standard)
            }
        }
    }

    /// Returns the reason phrase that the vendor's web framework writes.
    fn framework_error(self) -> &'static str {
        match self {
            Self::RequestTimeout => "Request Time-out",
            Self::PayloadTooLarge => "Request Entity Too Large",
            Self::UnsupportedMediaType => "Unsupported Media Type",
            Self::UriTooLong => "URI Too Long",
            Self::HeadersTooLarge => "Request Header Fields Too Large",
            _ => "Bad Request",
        }
    }
}

/// An error response. The middleware `http::frame` writes its body, because the body shows the request id.
#[derive(Clone, Debug)]
pub struct ApiError {
    kind: ErrorKind,
    details: Option<Cow<'static, str>>,
    /// The identifier in the request, and the type of the resource.
    resource: Option<(String, &'static str)>,
    /// The internal cause, which is written to the log only.
    cause: Option<String>,
    outage: Option<Outage>,
}

impl ApiError {
    /// Returns an error of that kind without details.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self { kind, details: None, resource: None, cause: None, outage: None }
    }

    /// Adds details for the client.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Cow<'static, str>>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Adds the internal cause for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: &(impl ToString + ?Sized)) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Returns 401: the credentials are missing or not valid.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(ErrorKind::Unauthorized)
    }

    /// Returns whether the project was deleted, or the key revoked, during the request.
    #[must_use]
    pub fn is_access_revoked(&self) -> bool {
        self.kind == ErrorKind::AccessRevoked
    }

    /// Returns 403: the scopes of the token do not include the operation.
    #[must_use]
    pub fn missing_permission() -> Self {
        Self::new(ErrorKind::MissingPermission)
            .with_details("User does not have a required permission to perform this operation.")
    }

    /// Returns 503: the database cannot be reached, or a time limit was exceeded.
    pub fn unavailable(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unavailable).with_details(details)
    }

    /// Returns 400 for an invalid body.
    pub fn invalid_payload(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidPayload).with_details(details)
    }

    /// Returns 400 for an invalid query.
    pub fn invalid_query(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidQueryParams).with_details(details)
    }

    /// Returns 501 for a feature of the vendor that is not emulated.
    pub fn not_emulated(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotEmulated).with_details(details)
    }

    /// Returns the error for an invalid filter at `path`; `kind` says whether it was in a body or a query.
    #[must_use]
    pub fn filter(error: &FilterError, kind: ErrorKind, path: &str) -> Self {
        let kind = if matches!(error, FilterError::NotEmulated(_)) { ErrorKind::NotEmulated } else { kind };
        Self::new(kind).with_details(error.details(path))
    }

    /// Returns 405; `hint` names the methods of the path.
    pub(crate) fn method_not_allowed(method: &Method, hint: &str) -> Self {
        Self::new(ErrorKind::MethodNotAllowed)
            .with_details(format!("{method} is not supported by this endpoint. Did you mean {hint}?"))
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind.row().0
    }

    /// Returns the details for the client, or an empty text.
    #[must_use]
    pub fn details(&self) -> &str {
        self.details.as_deref().unwrap_or_default()
    }

    /// Returns the internal cause for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Returns the error as the failure of one record of a job.
    #[must_use]
    pub fn into_record_failure(self) -> RecordFailure {
        let kind = match self.kind {
            ErrorKind::InvalidPayload => FailureKind::InvalidPayload,
            ErrorKind::InvalidMetadata => FailureKind::InvalidMetadata,
            ErrorKind::NotFound => FailureKind::NotFound,
            _ => FailureKind::Internal,
        };
        RecordFailure::new(kind, self.details.unwrap_or_default().into_owned())
    }

    /// Returns message and details in one line.
    #[must_use]
    pub fn text(&self) -> Cow<'static, str> {
        let (_, _, message, _) = self.kind.row();
        match &self.details {
            Some(details) => Cow::Owned(format!("{message}: {details}")),
            None => Cow::Borrowed(message),
        }
    }

    /// Returns the body; some shapes show the request id.
    pub(crate) fn body(&self, request_id: &str) -> Vec<u8> {
        let (status, key, message, shape) = self.kind.row();
        let code = i64::from(status.as_u16());
        let mut out = Vec::with_capacity(256);
        let mut object = ObjectWriter::new(&mut out);
        match shape {
            Shape::Framework => {
                object.number("statusCode", code);
                object.text("error", self.kind.framework_error()).text("message", &self.text());
            }
            Shape::OAuth => {
                object.number("code", code);
                if let Some(key) = key {
                    object.text("key", key);
                }
                object.text("message", &self.text());
            }
            Shape::Access => {
                object.number("code", code).text("message", message);
                if let Some(details) = &self.details {
                    object.text("details", details);
                }
                if let Some(key) = key {
                    object.text("key", key);
                }
            }
            Shape::Standard | Shape::WithoutRequestId => {
                object.number("code", code);
                if let Some(key) = key {
                    object.text("key", key);
                }
                object.text("message", message);
                if let Some(details) = &self.details {
                    object.text("details", details);
                }
                if shape == Shape::Standard {
                    object.text("request_id", request_id);
                }
                if let Some((id, kind)) = &self.resource {
                    object.text("resource_id", id).text("resource_type", kind);
                }
            }
        }
        object.end();
        out
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        if self.kind == ErrorKind::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Handles paths without an endpoint: 404.
pub async fn no_such_endpoint(method: Method, uri: Uri) -> ApiError {
    ApiError::new(ErrorKind::NotFound).with_details(format!("Nothing answers {method} {}", uri.path()))
}

#[cfg(test)]
mod tests;
