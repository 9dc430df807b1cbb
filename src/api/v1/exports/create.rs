use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::export;
use crate::service::{Caller, jobs};

/// POST /v1/exports (create-export)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let request = body.read(|mut body| {
        let exported_object = request::exported_object(&mut body)?;
        request::export_request(exported_object, &mut body)
    })?;
    let job = jobs::accept_export(&app.core, &caller, &request).await?;
    Ok(answer::json(|out| export::write_accepted(out, &job)))
}
