use axum::extract::State;
use axum::response::Response;

use crate::domain::credential::Family;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::key;
use crate::service::{Caller, keys};

/// POST /_emulator/keys (emulator-create-key)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let family = body.read(|mut body| {
        body.require("family")?;
        let parse = |name: &str| Family::parse(name).filter(|family| *family != Family::Management);
        let family = body.one_of("family", &["server", "client"], parse)?;
        family.ok_or_else(|| ApiError::invalid_payload("Property .family must be string"))
    })?;
    let (created, token) = keys::create(&app.core, &caller, family).await?;
    Ok(answer::json(|out| key::write_created(out, &created, &token)))
}
