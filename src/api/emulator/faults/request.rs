//! Reads the body that creates a fault. The service checks the values.

use crate::domain::fault::{ConnectionFault, Delay, FaultRule};
use crate::domain::limits::TEXT_CHARS;
use crate::domain::path_pattern::PathPattern;
use crate::http::{ApiError, Object};

/// Reads the rule of a fault.
///
/// # Errors
/// 400 for the first member that has the wrong type.
pub fn rule(mut body: Object<'_>) -> Result<FaultRule, ApiError> {
    let mut rule = FaultRule {
        operation: body.optional_text("operation", TEXT_CHARS)?,
        method: body.optional_text("method", TEXT_CHARS)?.map(|method| method.to_ascii_uppercase()),
        path: body.optional_text("path", TEXT_CHARS)?.map(|path| PathPattern::new(&path)),
        skip: body.integer("skip")?.unwrap_or_default(),
        times: body.integer("times")?,
        probability: body.number("probability")?,
        seed: body.integer("seed")?,
        delay_ms: delay(&mut body)?,
        status: body.integer("status")?.map(|status| u16::try_from(status).unwrap_or(u16::MAX)),
        retry_after_s: number(&mut body, "retry_after_s")?,
        body: None,
        connection: body.one_of("connection", &ConnectionFault::NAMES, ConnectionFault::parse)?,
        after: body.boolean("after")?.value().unwrap_or_default(),
    };
    rule.body = body.any("body");
    Ok(rule)
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
