//! Loads the body of a request.

use std::sync::Arc;

use axum::response::Response;

use super::document::{Document, DocumentError};
use super::reader::read_batches;
use crate::domain::state_document::StateMember;
use crate::http::document::Spool;
use crate::http::error::ErrorKind;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;
use crate::service::state::{self, Counts, LoadError, LoadMode};

/// Loads a document from the body of a request, and returns how many objects it had.
pub(super) async fn load(
    app: AppState,
    caller: &Caller,
    mode: LoadMode,
    body: Option<Spool>,
) -> Result<Response, ApiError> {
    let body = body.ok_or_else(|| ApiError::invalid_payload("Payload must be object"))?;
    let counts = load_spool(&app, caller, mode, Arc::new(body)).await.map_err(|error| error.error)?;
    let counts = counts.unwrap_or_default();
    Ok(answer::json(|out| {
        let mut object = ObjectWriter::new(out);
        object.raw("object", "\"state\"").object("counts", |object| {
            for member in StateMember::ALL {
                object.number(member.as_str(), counts.of(member));
            }
        });
        object.end();
    }))
}

/// Loads a document. Returns `None` when the project is not empty and the mode requires that.
pub(super) async fn load_spool(
    app: &AppState,
    caller: &Caller,
    mode: LoadMode,
    spool: Arc<Spool>,
) -> Result<Option<Counts>, DocumentError> {
    let opening = tokio::task::spawn_blocking(move || Document::open(spool));
    let document = opening.await.map_err(|error| internal(&error))??;
    let document = Arc::new(document);
    let open = || read_batches(Arc::clone(app), Arc::clone(&document));
    state::load(&app.core, caller, mode, open).await.map_err(|error| match error {
        LoadError::Document(error) => error,
        LoadError::Interrupted => internal(&error),
        LoadError::Object(error) => {
            let position = document.position_of(error.member, error.index);
            let kind = if error.is_not_emulated { ErrorKind::NotEmulated } else { ErrorKind::InvalidPayload };
            DocumentError { error: ApiError::new(kind).with_details(error.details), position }
        }
        LoadError::Service(error) => DocumentError { error: error.into(), position: None },
    })
}

fn internal(cause: &impl ToString) -> DocumentError {
    DocumentError { error: ApiError::new(ErrorKind::Internal).with_cause(&cause.to_string()), position: None }
}
