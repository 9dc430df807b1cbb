//! Reads the body that creates a fault. The service checks the values.

use crate::domain::fault::{ConnectionFault, Delay, DeliveryFault, FaultRule, HitSchedule, RequestFault};
use crate::domain::limits::TEXT_CHARS;
use crate::domain::path_pattern::PathPattern;
use crate::http::{ApiError, Object};

/// The members that only faults of requests have.
const REQUEST_MEMBERS: [&str; 8] =
    ["operation", "method", "path", "status", "retry_after_s", "body", "connection", "after"];

/// The members that only faults of deliveries have.
const DELIVERY_MEMBERS: [&str; 4] = ["webhook", "event", "duplicate", "fail"];

/// Reads the rule of a fault.
///
/// # Errors
/// 400 for the first member that has the wrong type.
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
        status: body.integer("status")?.map(|status| u16::try_from(status).unwrap_or(u16::MAX)),
        retry_after_s: number(body, "retry_after_s")?,
        body: None,
        connection: body.one_of("connection", &ConnectionFault::NAMES, ConnectionFault::parse)?,
        after: body.boolean("after")?.value().unwrap_or_default(),
    };
    fault.body = body.any("body");
    Ok(fault)
}

fn delivery_fault(body: &mut Object<'_>) -> Result<DeliveryFault, ApiError> {
    let (webhook, event) = (body.optional_text("webhook", TEXT_CHARS)?, body.optional_text("event", TEXT_CHARS)?);
    let has_target = webhook.is_some() || event.is_some();
    let fault = DeliveryFault {
        webhook: webhook.unwrap_or_else(|| DeliveryFault::EVERY_WEBHOOK.to_owned()),
        event,
        schedule: schedule(body)?,
        duplicate: number(body, "duplicate")?,
        fail: body.boolean("fail")?.value().unwrap_or_default(),
    };
    if !has_target {
        let effect = if fault.duplicate.is_some() { "duplicate" } else { "fail" };
        return refuse(format!("Property .{effect} must be used together with webhook or event"));
    }
    Ok(fault)
}

/// Reads which matches are hit, and how long these are delayed.
fn schedule(body: &mut Object<'_>) -> Result<HitSchedule, ApiError> {
    Ok(HitSchedule {
        skip: body.integer("skip")?.unwrap_or_default(),
        times: body.integer("times")?,
        probability: body.number("probability")?,
        seed: body.integer("seed")?,
        delay_ms: delay(body)?,
    })
}

fn refuse<T>(details: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::invalid_payload(details.into()))
}

/// Reads `delay_ms`: a number, or an object with `min` and `max`.
fn delay(body: &mut Object<'_>) -> Result<Option<Delay>, ApiError> {
    if !body.is_object("delay_ms") {
        return Ok(number(body, "delay_ms")?.map(Delay::Fixed));
    }
    let Some(mut range) = body.object("delay_ms")?.value() else { return Ok(None) };
    range.require("min")?;
    range.require("max")?;
    let (min, max) = (number(&mut range, "min")?, number(&mut range, "max")?);
    Ok(min.zip(max).map(|(min, max)| Delay::Range { min, max }))
}

/// Reads an integer. One that the type cannot hold becomes the largest one, which no member accepts.
fn number(body: &mut Object<'_>, name: &str) -> Result<Option<u32>, ApiError> {
    Ok(body.integer(name)?.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}
