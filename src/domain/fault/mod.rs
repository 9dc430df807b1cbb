//! Faults: what goes wrong on purpose.

mod build;
mod check;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::domain::path_pattern::PathPattern;

/// A fault of a project with its counts.
#[derive(Clone, Debug)]
pub struct Fault {
    /// `fault_...`.
    pub id: String,
    pub rule: FaultRule,
    /// How many requests, or attempts to deliver, matched while the fault was not used up.
    pub matches: i64,
    /// How many of them were hit.
    pub hits: i64,
}

/// What a fault is for, which matches it hits, and what it does to them. It is stored as JSON, whose members are shown in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FaultRule {
    // The stored form of a fault of deliveries always has a webhook, so this variant is tried first.
    Delivery(DeliveryFault),
    Request(RequestFault),
}

impl Default for FaultRule {
    fn default() -> Self {
        Self::Request(RequestFault::default())
    }
}

impl FaultRule {
    /// Returns which matches are hit.
    #[must_use]
    pub fn schedule(&self) -> &HitSchedule {
        match self {
            Self::Delivery(fault) => &fault.schedule,
            Self::Request(fault) => &fault.schedule,
        }
    }

    /// Returns which matches are hit, to be changed.
    pub fn schedule_mut(&mut self) -> &mut HitSchedule {
        match self {
            Self::Delivery(fault) => &mut fault.schedule,
            Self::Request(fault) => &mut fault.schedule,
        }
    }
}

/// A fault of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestFault {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// In upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPattern>,
    #[serde(flatten)]
    pub schedule: HitSchedule,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionFault>,
    /// Whether the call is carried out first.
    pub after: bool,
}

/// A fault of webhook deliveries. Each attempt to deliver is a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFault {
    /// The id of a webhook, or [`DeliveryFault::EVERY_WEBHOOK`].
    pub webhook: String,
    /// The type of the delivered event; `None` means every type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(flatten)]
    pub schedule: HitSchedule,
    /// How often the message is sent in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<u32>,
    /// Whether the attempt fails without being sent.
    #[serde(default)]
    pub fail: bool,
}

/// Which matches of a fault are hit, and how long these are delayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HitSchedule {
    /// How many matches pass first.
    pub skip: i64,
    /// How many matches are hit; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<i64>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<Number>,
    /// Set if there is a probability or a range of delays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<Delay>,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFault {
    /// It is closed without an answer.
    Reset,
    /// It is closed in the middle of the answer.
    Truncate,
    /// Nothing is sent.
    Hang,
}

impl ConnectionFault {
    /// The names that requests use.
    pub const NAMES: [&str; 3] = ["reset", "truncate", "hang"];

    /// Returns the fault with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "reset" => Some(Self::Reset),
            "truncate" => Some(Self::Truncate),
            "hang" => Some(Self::Hang),
            _ => None,
        }
    }
}

/// A delay in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Delay {
    Fixed(u32),
    /// The seed decides.
    Range {
        min: u32,
        max: u32,
    },
}

/// What identifies a request for a fault.
#[derive(Clone, Copy, Debug)]
pub struct RequestTarget<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// `None` for a request without a route.
    pub operation: Option<&'a str>,
}

impl RequestFault {
    /// Returns whether the request is one of those that the fault is for.
    #[must_use]
    pub fn matches(&self, target: RequestTarget<'_>) -> bool {
        self.operation.as_deref().is_none_or(|operation| target.operation == Some(operation))
            && self.method.as_deref().is_none_or(|method| target.method == method)
            && self.path.as_ref().is_none_or(|path| path.matches(target.path))
    }

    /// Returns whether a call that is hit is carried out.
    #[must_use]
    pub fn is_carried_out(&self) -> bool {
        self.after || matches!((self.status, self.connection), (None, None) | (_, Some(ConnectionFault::Truncate)))
    }
}

impl DeliveryFault {
    /// The text that stands for every webhook of the project.
    pub const EVERY_WEBHOOK: &str = "*";

    /// Returns whether an attempt to deliver such an event to that webhook is one of those that the fault is for.
    #[must_use]
    pub fn matches(&self, webhook_id: &str, event: &str) -> bool {
        (self.webhook == Self::EVERY_WEBHOOK || self.webhook == webhook_id)
            && self.event.as_deref().is_none_or(|expected| expected == event)
    }
}

impl HitSchedule {
    /// Returns whether a seed decides which matches are hit, or how long they are delayed.
    #[must_use]
    pub fn is_decided_by_seed(&self) -> bool {
        self.probability.is_some() || matches!(self.delay_ms, Some(Delay::Range { .. }))
    }

    /// Returns how long the match with that number is delayed. In a range, it depends on the seed and the number only.
    #[must_use]
    pub fn delay_of_match(&self, number: i64) -> Duration {
        let millis = match self.delay_ms {
            None => 0,
            Some(Delay::Fixed(millis)) => u64::from(millis),
            Some(Delay::Range { min, max }) => {
                let digest = Sha256::digest(format!("{}:{number}:delay", self.seed.unwrap_or_default()));
                let bits = digest.iter().take(6).fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
                u64::from(min) + bits % (u64::from(max.saturating_sub(min)) + 1)
            }
        };
        Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_stored_as_it_is_shown() {
        let schedule = HitSchedule {
            probability: Some(1.into()),
            seed: Some(-7),
            delay_ms: Some(Delay::Range { min: 1, max: 3 }),
            ..HitSchedule::default()
        };
        let request = FaultRule::Request(RequestFault {
            path: Some(PathPattern::new("/v1/*")),
            schedule: schedule.clone(),
            connection: Some(ConnectionFault::Truncate),
            ..RequestFault::default()
        });
        let delivery = FaultRule::Delivery(DeliveryFault {
            webhook: "*".to_owned(),
            event: Some("customer.created".to_owned()),
            schedule,
            duplicate: Some(2),
            fail: false,
        });
        for (rule, expected) in [
            (
                request,
                r#"{"path":"/v1/*","skip":0,"probability":1,"seed":-7,"delay_ms":{"min":1,"max":3},"connection":"truncate","after":false}"#,
            ),
            (
                delivery,
                r#"{"webhook":"*","event":"customer.created","skip":0,"probability":1,"seed":-7,"delay_ms":{"min":1,"max":3},"duplicate":2,"fail":false}"#,
            ),
        ] {
            let stored = serde_json::to_string(&rule).unwrap();
            assert_eq!(stored, expected);
            assert_eq!(serde_json::from_str::<FaultRule>(&stored).unwrap(), rule);
        }
    }

    #[test]
    fn the_body_of_a_rule_keeps_the_order_of_its_members() {
        let stored = r#"{"operation":"get-customer","skip":2,"times":3,"probability":0.25,"seed":1,"delay_ms":7,"status":429,"retry_after_s":5,"body":{"b":[1.5,null],"a":{"d":"x","c":-1}},"after":true}"#;
        let rule: FaultRule = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), stored);
    }

    #[test]
    fn a_fault_of_deliveries_is_for_a_webhook_and_an_event() {
        let fault = |webhook: &str, event: Option<&str>| DeliveryFault {
            webhook: webhook.to_owned(),
            event: event.map(str::to_owned),
            schedule: HitSchedule::default(),
            duplicate: None,
            fail: true,
        };
        let is_hit = |fault: DeliveryFault| fault.matches("wh_1", "customer.created");
        assert!(is_hit(fault("*", None)) && is_hit(fault("wh_1", Some("customer.created"))));
        assert!(!is_hit(fault("wh_2", None)) && !is_hit(fault("*", Some("customer.updated"))));
    }

    #[test]
    fn a_delay_from_a_range_depends_on_seed_and_number() {
        let schedule = |seed| HitSchedule {
            seed: Some(seed),
            delay_ms: Some(Delay::Range { min: 100, max: 300 }),
            ..HitSchedule::default()
        };
        let delays = |seed| (1..50).map(|number| schedule(seed).delay_of_match(number)).collect::<Vec<_>>();
        assert!(delays(1).iter().all(|delay| (100..=300).contains(&delay.as_millis())));
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[test]
    fn the_call_is_carried_out_unless_it_is_answered_instead() {
        let status = RequestFault { status: Some(503), ..RequestFault::default() };
        assert!(!status.is_carried_out() && RequestFault { after: true, ..status }.is_carried_out());
        let connection = |connection| RequestFault { connection: Some(connection), ..RequestFault::default() };
        assert!(connection(ConnectionFault::Truncate).is_carried_out());
        assert!(
            !connection(ConnectionFault::Reset).is_carried_out() && !connection(ConnectionFault::Hang).is_carried_out()
        );
        assert!(RequestFault::default().is_carried_out());
    }
}
