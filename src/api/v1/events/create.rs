use axum::extract::State;
use axum::response::Response;
use serde_json::Map;

use crate::api::v1::customers::request;
use crate::domain::json::JsonText;
use crate::domain::limits::{EVENT_NAME_CHARS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::objects::{ObjectWriter, event, rendered};
use crate::service::Caller;
use crate::service::events::{self, NewEvent};

/// POST /v1/events (track-custom-event)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let new = body.read(new_event)?;
    let (tracked, customer) = events::track(&app.core, &caller, new).await?;
    Ok(answer::json(|out| event::write(out, &tracked, &customer)))
}

fn new_event(mut body: Object<'_>) -> Result<NewEvent, ApiError> {
    let name = body.required_text("event", 1, EVENT_NAME_CHARS)?;
    body.require("customer")?;
    let Patch::Value(customer) = body.object("customer")? else {
        return Err(ApiError::invalid_payload("Property .customer must be object"));
    };
    let customer = request::customer_reference(customer)?;
    let referral = object_with_code(&mut body, "referral", Some("referrer_id"))?;
    let loyalty = object_with_code(&mut body, "loyalty", None)?;
    let metadata = body.metadata("metadata")?.value().unwrap_or_else(Map::new);
    Ok(NewEvent { name, customer, metadata, referral, loyalty })
}

/// Reads a member that is an object with a required `code` and an optional identifier.
fn object_with_code(
    body: &mut Object<'_>,
    name: &'static str,
    identifier: Option<&'static str>,
) -> Result<Option<JsonText>, ApiError> {
    let Patch::Value(mut object) = body.object(name)? else { return Ok(None) };
    let code = object.required_text("code", 0, TEXT_CHARS)?;
    let identifier = match identifier {
        Some(name) => object.identifier(name)?.map(|text| (name, text)),
        None => None,
    };
    Ok(Some(rendered(|out| {
        let mut writer = ObjectWriter::new(out);
        writer.text("code", &code);
        if let Some((name, text)) = &identifier {
            writer.text(name, text);
        }
        writer.end();
    })))
}
