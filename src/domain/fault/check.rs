//! Checks that a fault can be applied.

use std::collections::HashSet;

use super::{Delay, DeliveryFault, FaultRule, HitSchedule, RequestFault};
use crate::domain::json::JsonText;
use crate::domain::limits::{FAULT_BODY_BYTES, FAULT_DELAY_MILLIS, FAULT_DUPLICATES};
use crate::domain::webhook::WebhookKind;

/// The number of seconds of a day.
const DAY_SECONDS: i64 = 86_400;

impl FaultRule {
    /// Checks each member, and what the members mean together. `operations` are the ids of the operations that faults can hit.
    ///
    /// # Errors
    /// Returns what is wrong, in the words of the API.
    pub fn check(&self, operations: &HashSet<&str>) -> Result<(), String> {
        self.schedule().check()?;
        match self {
            Self::Request(fault) => fault.check(operations),
            Self::Delivery(fault) => fault.check(),
        }
    }
}

impl HitSchedule {
    fn check(&self) -> Result<(), String> {
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
        let probability = self.probability.as_ref().and_then(serde_json::Number::as_f64);
        if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return refuse("Property .probability must be from 0 to 1");
        }
        Ok(())
    }
}

impl RequestFault {
    fn check(&self, operations: &HashSet<&str>) -> Result<(), String> {
        within("status", self.status.map(i64::from), 400, 599)?;
        within("retry_after_s", self.retry_after_s.map(i64::from), 0, DAY_SECONDS)?;
        self.check_together(operations)
    }

    fn check_together(&self, operations: &HashSet<&str>) -> Result<(), String> {
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
        if self.status.is_none() && self.body.is_some() {
            return refuse("Property .body must be used together with status");
        }
        if self.status != Some(429) && self.retry_after_s.is_some() {
            return refuse("Property .retry_after_s must be used together with the status 429");
        }
        if self.status.is_some() && self.connection.is_some() {
            return refuse("Property .connection must NOT be used together with status");
        }
        if self.status.is_none() && self.connection.is_none() && self.schedule.delay_ms.is_none() {
            return refuse("Payload must have one of the properties 'delay_ms', 'status', 'connection'");
        }
        if self.body.as_ref().is_some_and(|body| JsonText::of(body).as_str().len() > FAULT_BODY_BYTES) {
            return Err(format!("Property .body must NOT be larger than {FAULT_BODY_BYTES} bytes"));
        }
        Ok(())
    }
}

impl DeliveryFault {
    fn check(&self) -> Result<(), String> {
        within("duplicate", self.duplicate.map(i64::from), 1, FAULT_DUPLICATES)?;
        // An unknown id is accepted, because the webhook may be created later.
        if self.webhook != Self::EVERY_WEBHOOK && !WebhookKind::is_possible_id(&self.webhook) {
            return refuse("Property .webhook must be * or the id of a webhook");
        }
        if self.event.as_deref().is_some_and(|event| !WebhookKind::is_event_type(event)) {
            return refuse("Property .event must be an event that webhooks can subscribe to");
        }
        if self.schedule.delay_ms.is_none() && self.duplicate.is_none() && !self.fail {
            return refuse("Payload must have one of the properties 'delay_ms', 'duplicate', 'fail'");
        }
        if self.duplicate.is_some() && self.fail {
            return refuse("Property .duplicate must NOT be used together with fail");
        }
        Ok(())
    }
}

fn refuse(details: &str) -> Result<(), String> {
    Err(details.to_owned())
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
