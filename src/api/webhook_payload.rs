//! What bodies say about webhooks: the same on the management API and on the emulator's own surface.

use crate::domain::limits::{TARGET_URL_CHARS, TEXT_CHARS, WEBHOOK_EVENTS};
use crate::domain::webhook::{WebhookChange, WebhookKind};
use crate::http::error::ApiError;
use crate::http::payload::Object;
use crate::http::state::App;
use crate::service::webhooks::NewWebhook;
use crate::webhook::check_target;

/// A new webhook.
///
/// # Errors
/// 400 for the first thing that is missing or wrong.
pub(crate) fn new(app: &App, kind: WebhookKind, body: &mut Object) -> Result<NewWebhook, ApiError> {
    body.require("target_url")?;
    body.require("events")?;
    let WebhookChange { name, target_url, events, active } = change(app, kind, body)?;
    let Some(target_url) = target_url else {
        return Err(ApiError::invalid_payload("Property .target_url must be string"));
    };
    let Some(events) = events else { return Err(ApiError::invalid_payload("Property .events must be array")) };
    let name = name.filter(|name| !name.is_empty());
    Ok(NewWebhook { kind, name, target_url, events, active: active.unwrap_or(true) })
}

/// A change of a webhook; what is not named, or null, is left.
///
/// # Errors
/// 400 for the first thing that is wrong.
pub(crate) fn change(app: &App, kind: WebhookKind, body: &mut Object) -> Result<WebhookChange, ApiError> {
    let target_url = body.optional_text("target_url", TARGET_URL_CHARS)?;
    if let Some(target_url) = &target_url {
        check_target(target_url, app.allow_link_local)
            .map_err(|refusal| ApiError::invalid_payload(format!("Property .target_url {refusal}")))?;
    }
    let events = body.texts("events", WEBHOOK_EVENTS)?;
    let allowed = kind.event_types();
    for (index, event) in events.iter().flatten().enumerate() {
        if !allowed.contains(&event.as_str()) {
            let details = format!(
                "Property .events[{index}] must be equal to one of the allowed values [ {} ]",
                allowed.join(", ")
            );
            return Err(ApiError::invalid_payload(details));
        }
    }
    let active = body.boolean("active")?.value();
    // Project webhooks have none.
    let name = match kind {
        WebhookKind::Project => None,
        WebhookKind::Distribution => body.optional_text("name", TEXT_CHARS)?,
    };
    Ok(WebhookChange { name, target_url, events, active })
}
