//! Checks that a fault can be applied.

use std::collections::HashSet;

use super::{Delay, FaultRule};
use crate::domain::json::JsonText;
use crate::domain::limits::{FAULT_BODY_BYTES, FAULT_DELAY_MILLIS};

/// The number of seconds of a day.
const DAY_SECONDS: i64 = 86_400;

impl FaultRule {
    /// Checks each member, and what the members mean together. `operations` are the ids of the operations that faults can hit.
    ///
    /// # Errors
    /// Returns what is wrong, in the words of the API.
    pub fn check(&self, operations: &HashSet<&str>) -> Result<(), String> {
        at_least("skip", Some(self.skip), 0)?;
        at_least("times", self.times, 1)?;
        match self.delay_ms {
            None => {}
            Some(Delay::Fixed(millis)) => within("delay_ms", Some(millis.into()), 0, FAULT_DELAY_MILLIS)?,
            Some(Delay::Range { min, max }) => {
                within("delay_ms.min", Some(min.into()), 0, FAULT_DELAY_MILLIS)?;
                within("delay_ms.max", Some(max.into()), min.into(), FAULT_DELAY_MILLIS)?;
            }
        }
        within("status", self.status.map(i64::from), 400, 599)?;
        within("retry_after_s", self.retry_after_s.map(i64::from), 0, DAY_SECONDS)?;
        self.check_together(operations)
    }

    fn check_together(&self, operations: &HashSet<&str>) -> Result<(), String> {
        let refuse = |details: &str| Err(details.to_owned());
        if let Some(operation) = &self.operation {
            if !operations.contains(operation.as_str()) {
                return refuse(
                    "Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet",
                );
            }
            if self.method.is_some() || self.path.is_some() {
                return refuse("Property .operation must NOT be used together with method or path");
            }
        }
        if self.path.as_ref().is_some_and(|path| !path.as_str().starts_with('/')) {
            return refuse("Property .path must begin with /");
        }
        let probability = self.probability.as_ref().and_then(serde_json::Number::as_f64);
        if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return refuse("Property .probability must be from 0 to 1");
        }
        if self.status.is_none() && self.body.is_some() {
            return refuse("Property .body must be used together with status");
        }
        if self.status != Some(429) && self.retry_after_s.is_some() {
            return refuse("Property .retry_after_s must be used together with the status 429");
        }
        if self.status.is_some() && self.connection.is_some() {
            return refuse("Property .connection must NOT be used together with status");
        }
        if self.status.is_none() && self.connection.is_none() && self.delay_ms.is_none() {
            return refuse("Payload must have one of the properties 'delay_ms', 'status', 'connection'");
        }
        if self.body.as_ref().is_some_and(|body| JsonText::of(body).as_str().len() > FAULT_BODY_BYTES) {
            return Err(format!("Property .body must NOT be larger than {FAULT_BODY_BYTES} bytes"));
        }
        Ok(())
    }
}

fn at_least(name: &str, number: Option<i64>, min: i64) -> Result<(), String> {
    if number.is_some_and(|number| number < min) {
        return Err(format!("Property .{name} cannot be lower than {min}"));
    }
    Ok(())
}

fn within(name: &str, number: Option<i64>, min: i64, max: i64) -> Result<(), String> {
    if number.is_some_and(|number| number < min || number > max) {
        return Err(format!("Property .{name} must be from {min} to {max}"));
    }
    Ok(())
}
