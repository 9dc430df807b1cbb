//! Reads the bodies that create and update webhooks, for the management API and for the emulator's own endpoints.

use crate::domain::limits::{TARGET_URL_CHARS, TEXT_CHARS, WEBHOOK_EVENTS};
use crate::domain::webhook::{WebhookChange, WebhookKind};
use crate::http::error::ApiError;
use crate::http::payload::Object;
use crate::http::state::App;
use crate::service::webhooks::NewWebhook;
use crate::webhook::check_target;

/// Reads the body that creates a webhook.
///
/// # Errors
/// Returns 400 for the first missing or invalid member.
pub(crate) fn new_webhook(app: &App, kind: WebhookKind, body: &mut Object<'_>) -> Result<NewWebhook, ApiError> {
    body.require("target_url")?;
    body.require("events")?;
    let WebhookChange { name, target_url, events, active } = webhook_change(app, kind, body)?;
    let Some(target_url) = target_url else {
        return Err(ApiError::invalid_payload(format!("Property {} must be string", body.path_of("target_url"))));
    };
    let Some(events) = events else {
        return Err(ApiError::invalid_payload(format!("Property {} must be array", body.path_of("events"))));
    };
    let name = name.filter(|name| !name.is_empty());
    Ok(NewWebhook { kind, name, target_url, events, active: active.unwrap_or(true) })
}

/// Reads the body that updates a webhook. A member that is missing or null leaves the stored value unchanged.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub(crate) fn webhook_change(app: &App, kind: WebhookKind, body: &mut Object<'_>) -> Result<WebhookChange, ApiError> {
    let target_url = body.optional_text("target_url", TARGET_URL_CHARS)?;
    if let Some(target_url) = &target_url {
        check_target(target_url, app.allow_link_local).map_err(|refusal| {
            ApiError::invalid_payload(format!("Property {} {refusal}", body.path_of("target_url")))
        })?;
    }
    let events = body.texts("events", WEBHOOK_EVENTS)?;
    let allowed = kind.event_types();
    for (index, event) in events.iter().flatten().enumerate() {
        if !allowed.contains(&event.as_str()) {
            let details = format!(
                "Property {}[{index}] must be equal to one of the allowed values [ {} ]",
                body.path_of("events"),
                allowed.join(", ")
            );
            return Err(ApiError::invalid_payload(details));
        }
    }
    let active = body.boolean("active")?.value();
    // Ignore the name of a project webhook, because only distributions have names.
    let name = match kind {
        WebhookKind::Project => None,
        WebhookKind::Distribution => body.optional_text("name", TEXT_CHARS)?,
    };
    Ok(WebhookChange { name, target_url, events, active })
}
