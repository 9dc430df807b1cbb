//! Reads the body that creates a fault.

use std::collections::HashSet;
use std::sync::LazyLock;

use rand::RngExt;

use crate::api::{client, stickystreet, v1};
use crate::domain::fault::{ConnectionFault, Delay, FaultRule};
use crate::domain::json::JsonText;
use crate::domain::limits::{FAULT_BODY_BYTES, FAULT_DELAY_MILLIS, TEXT_CHARS};
use crate::domain::path_pattern::PathPattern;
use crate::http::{ApiError, Object};

/// The ids of the operations that faults can hit: those of the vendors' APIs that belong to a project.
static OPERATIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let routes = v1::routes().merge(client::routes()).merge(stickystreet::routes());
    routes.operations().map(|(_, _, operation)| operation).collect()
});

/// Reads the rule of a fault.
///
/// # Errors
/// 400 for the first invalid member, and for members that do not go together.
pub fn rule(mut body: Object<'_>) -> Result<FaultRule, ApiError> {
    let mut rule = FaultRule {
        operation: body.optional_text("operation", TEXT_CHARS)?,
        method: body.optional_text("method", TEXT_CHARS)?.map(|method| method.to_ascii_uppercase()),
        path: body.optional_text("path", TEXT_CHARS)?.map(|path| PathPattern::new(&path)),
        skip: body.integer_of_at_least("skip", 0)?.unwrap_or_default(),
        times: body.integer_of_at_least("times", 1)?,
        probability: body.number("probability")?,
        seed: body.integer("seed")?,
        delay_ms: delay(&mut body)?,
        status: within(&mut body, "status", 400, 599)?,
        retry_after_s: within(&mut body, "retry_after_s", 0, 86_400)?,
        body: None,
        connection: body.one_of("connection", &ConnectionFault::NAMES, ConnectionFault::parse)?,
        after: body.boolean("after")?.value().unwrap_or_default(),
    };
    rule.body = body.any("body");
    check(&rule)?;
    let is_decided_by_seed = rule.probability.is_some() || matches!(rule.delay_ms, Some(Delay::Range { .. }));
    if is_decided_by_seed && rule.seed.is_none() {
        // The answer shows it, so that the same decisions can be had again.
        rule.seed = Some(rand::rng().random_range(0..1_000_000));
    }
    Ok(rule)
}

/// Checks what the members mean together.
fn check(rule: &FaultRule) -> Result<(), ApiError> {
    let refuse = |details: &str| Err(ApiError::invalid_payload(details.to_owned()));
    if let Some(operation) = &rule.operation {
        if !OPERATIONS.contains(operation.as_str()) {
            return refuse("Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet");
        }
        if rule.method.is_some() || rule.path.is_some() {
            return refuse("Property .operation must NOT be used together with method or path");
        }
    }
    if rule.path.as_ref().is_some_and(|path| !path.as_str().starts_with('/')) {
        return refuse("Property .path must begin with /");
    }
    let probability = rule.probability.as_ref().and_then(serde_json::Number::as_f64);
    if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return refuse("Property .probability must be from 0 to 1");
    }
    if rule.status.is_none() && rule.body.is_some() {
        return refuse("Property .body must be used together with status");
    }
    if rule.status != Some(429) && rule.retry_after_s.is_some() {
        return refuse("Property .retry_after_s must be used together with the status 429");
    }
    if rule.status.is_some() && rule.connection.is_some() {
        return refuse("Property .connection must NOT be used together with status");
    }
    if rule.status.is_none() && rule.connection.is_none() && rule.delay_ms.is_none() {
        return refuse("Payload must have one of the properties 'delay_ms', 'status', 'connection'");
    }
    if rule.body.as_ref().is_some_and(|body| JsonText::of(body).as_str().len() > FAULT_BODY_BYTES) {
        return Err(ApiError::invalid_payload(format!(
            "Property .body must NOT be larger than {FAULT_BODY_BYTES} bytes"
        )));
    }
    Ok(())
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
