//! Reads the body that creates a fault.

use std::collections::HashSet;
use std::sync::LazyLock;

use rand::RngExt;

use crate::api::{client, stickystreet, v1};
use crate::domain::fault::{ConnectionFault, Delay, DeliveryFault, FaultRule, HitSchedule, RequestFault};
use crate::domain::json::JsonText;
use crate::domain::limits::{FAULT_BODY_BYTES, FAULT_DELAY_MILLIS, FAULT_DUPLICATES, TEXT_CHARS};
use crate::domain::path_pattern::PathPattern;
use crate::domain::webhook::WebhookKind;
use crate::http::{ApiError, Object};

/// The ids of the operations that faults can hit: those of the vendors' APIs that belong to a project.
static OPERATIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let routes = v1::routes().merge(client::routes()).merge(stickystreet::routes());
    routes.operations().map(|(_, _, operation)| operation).collect()
});

/// The members that only faults of requests have.
const REQUEST_MEMBERS: [&str; 8] =
    ["operation", "method", "path", "status", "retry_after_s", "body", "connection", "after"];

/// The members that only faults of deliveries have.
const DELIVERY_MEMBERS: [&str; 4] = ["webhook", "event", "duplicate", "fail"];

/// Reads the rule of a fault.
///
/// # Errors
/// 400 for the first invalid member, and for members that do not go together.
pub fn rule(mut body: Object<'_>) -> Result<FaultRule, ApiError> {
    let first_of = |members: &[&'static str]| members.iter().find(|name| body.has_value(name)).copied();
    match (first_of(&DELIVERY_MEMBERS), first_of(&REQUEST_MEMBERS)) {
        (Some(of_deliveries), Some(of_requests)) => {
            refuse(format!("Property .{of_deliveries} must NOT be used together with {of_requests}"))
        }
        (Some(_), None) => {
            body.ignore(&REQUEST_MEMBERS);
            delivery_fault(&mut body).map(FaultRule::Delivery)
        }
        (None, _) => {
            body.ignore(&DELIVERY_MEMBERS);
            request_fault(&mut body).map(FaultRule::Request)
        }
    }
}

fn request_fault(body: &mut Object<'_>) -> Result<RequestFault, ApiError> {
    let mut fault = RequestFault {
        operation: body.optional_text("operation", TEXT_CHARS)?,
        method: body.optional_text("method", TEXT_CHARS)?.map(|method| method.to_ascii_uppercase()),
        path: body.optional_text("path", TEXT_CHARS)?.map(|path| PathPattern::new(&path)),
        schedule: schedule(body)?,
        status: within(body, "status", 400, 599)?,
        retry_after_s: within(body, "retry_after_s", 0, 86_400)?,
        body: None,
        connection: body.one_of("connection", &ConnectionFault::NAMES, ConnectionFault::parse)?,
        after: body.boolean("after")?.value().unwrap_or_default(),
    };
    fault.body = body.any("body");
    check_request_fault(&fault)?;
    Ok(fault)
}

/// Checks what the members of a fault of requests mean together.
fn check_request_fault(fault: &RequestFault) -> Result<(), ApiError> {
    if let Some(operation) = &fault.operation {
        if !OPERATIONS.contains(operation.as_str()) {
            return refuse("Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet");
        }
        if fault.method.is_some() || fault.path.is_some() {
            return refuse("Property .operation must NOT be used together with method or path");
        }
    }
    if fault.path.as_ref().is_some_and(|path| !path.as_str().starts_with('/')) {
        return refuse("Property .path must begin with /");
    }
    if fault.status.is_none() && fault.body.is_some() {
        return refuse("Property .body must be used together with status");
    }
    if fault.status != Some(429) && fault.retry_after_s.is_some() {
        return refuse("Property .retry_after_s must be used together with the status 429");
    }
    if fault.status.is_some() && fault.connection.is_some() {
        return refuse("Property .connection must NOT be used together with status");
    }
    if fault.status.is_none() && fault.connection.is_none() && fault.schedule.delay_ms.is_none() {
        return refuse("Payload must have one of the properties 'delay_ms', 'status', 'connection'");
    }
    if fault.body.as_ref().is_some_and(|body| JsonText::of(body).as_str().len() > FAULT_BODY_BYTES) {
        return refuse(format!("Property .body must NOT be larger than {FAULT_BODY_BYTES} bytes"));
    }
    Ok(())
}

fn delivery_fault(body: &mut Object<'_>) -> Result<DeliveryFault, ApiError> {
    let (webhook, event) = (body.optional_text("webhook", TEXT_CHARS)?, body.optional_text("event", TEXT_CHARS)?);
    let has_target = webhook.is_some() || event.is_some();
    let fault = DeliveryFault {
        webhook: webhook.unwrap_or_else(|| DeliveryFault::EVERY_WEBHOOK.to_owned()),
        event,
        schedule: schedule(body)?,
        duplicate: within(body, "duplicate", 1, FAULT_DUPLICATES)?,
        fail: body.boolean("fail")?.value().unwrap_or_default(),
    };
    if !has_target {
        let effect = if fault.duplicate.is_some() { "duplicate" } else { "fail" };
        return refuse(format!("Property .{effect} must be used together with webhook or event"));
    }
    // An unknown id is accepted, because the webhook may be created later.
    if fault.webhook != DeliveryFault::EVERY_WEBHOOK && !WebhookKind::is_possible_id(&fault.webhook) {
        return refuse("Property .webhook must be * or the id of a webhook");
    }
    if fault.event.as_deref().is_some_and(|event| !WebhookKind::is_event_type(event)) {
        return refuse("Property .event must be an event that webhooks can subscribe to");
    }
    if fault.schedule.delay_ms.is_none() && fault.duplicate.is_none() && !fault.fail {
        return refuse("Payload must have one of the properties 'delay_ms', 'duplicate', 'fail'");
    }
    if fault.duplicate.is_some() && fault.fail {
        return refuse("Property .duplicate must NOT be used together with fail");
    }
    Ok(fault)
}

/// Reads which matches are hit, and how long these are delayed.
fn schedule(body: &mut Object<'_>) -> Result<HitSchedule, ApiError> {
    let mut schedule = HitSchedule {
        skip: body.integer_of_at_least("skip", 0)?.unwrap_or_default(),
        times: body.integer_of_at_least("times", 1)?,
        probability: body.number("probability")?,
        seed: body.integer("seed")?,
        delay_ms: delay(body)?,
    };
    let probability = schedule.probability.as_ref().and_then(serde_json::Number::as_f64);
    if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return refuse("Property .probability must be from 0 to 1");
    }
    let is_decided_by_seed = schedule.probability.is_some() || matches!(schedule.delay_ms, Some(Delay::Range { .. }));
    if is_decided_by_seed && schedule.seed.is_none() {
        // The answer shows it, so that the same decisions can be had again.
        schedule.seed = Some(rand::rng().random_range(0..1_000_000));
    }
    Ok(schedule)
}

fn refuse<T>(details: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::invalid_payload(details.into()))
}

/// Reads `delay_ms`: a number, or an object with `min` and `max`.
fn delay(body: &mut Object<'_>) -> Result<Option<Delay>, ApiError> {
    if !body.is_object("delay_ms") {
        return Ok(within(body, "delay_ms", 0, FAULT_DELAY_MILLIS)?.map(Delay::Fixed));
    }
    let Some(mut range) = body.object("delay_ms")?.value() else { return Ok(None) };
    range.require("min")?;
    range.require("max")?;
    let min = within(&mut range, "min", 0, FAULT_DELAY_MILLIS)?;
    let max = within(&mut range, "max", i64::from(min.unwrap_or_default()), FAULT_DELAY_MILLIS)?;
    Ok(min.zip(max).map(|(min, max)| Delay::Range { min, max }))
}

/// Reads an integer of `min` to `max`.
fn within<T: TryFrom<i64>>(body: &mut Object<'_>, name: &str, min: i64, max: i64) -> Result<Option<T>, ApiError> {
    let Some(number) = body.integer(name)? else { return Ok(None) };
    let path = body.path_of(name);
    let out_of_range = || ApiError::invalid_payload(format!("Property {path} must be from {min} to {max}"));
    if number < min || number > max {
        return Err(out_of_range());
    }
    T::try_from(number).map(Some).map_err(|_| out_of_range())
}
