//! Errors of pages. The frame shows them as pages of their own.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::state::ConsoleState;
use crate::http::ApiError;
use crate::http::error::database_error;
use crate::service;

/// Returns whether the user can correct what caused the error, so that it is shown beside the form.
pub fn is_correctable(error: &ApiError) -> bool {
    error.status().is_client_error() || error.status() == StatusCode::NOT_IMPLEMENTED
}

/// Returns the status of a page that may show what the user must correct: in a form that was sent, or in the query.
pub fn status_with(error: Option<&String>) -> StatusCode {
    if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

/// Why there is no page.
#[derive(Clone, Debug)]
pub struct PageError {
    pub status: StatusCode,
    /// For the user.
    pub message: String,
    /// For the log. It contains no personal data.
    pub cause: Option<String>,
}

impl PageError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), cause: None }
    }

    /// Returns the error for an object that does not exist.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}."))
    }

    /// Returns the error for a form that no page of the session has sent.
    pub fn foreign_form() -> Self {
        let text = "The form does not belong to this session. Open the page again and repeat what you did.";
        Self::new(StatusCode::FORBIDDEN, text)
    }

    pub fn internal(cause: &(impl ToString + ?Sized)) -> Self {
        let message = "Something went wrong. The log of the emulator says what.";
        Self { cause: Some(cause.to_string()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, message) }
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        let cause = error.cause().map(str::to_owned);
        Self { cause, ..Self::new(error.status(), error.text()) }
    }
}

impl From<sqlx::Error> for PageError {
    fn from(error: sqlx::Error) -> Self {
        database_error(&error).into()
    }
}

impl From<service::Error> for PageError {
    fn from(error: service::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Returns the route of all paths without a page.
pub fn routes() -> Router<ConsoleState> {
    Router::new().route("/_emulator/console/{*path}", any(no_such_page))
}

async fn no_such_page() -> PageError {
    PageError::not_found("page")
}
