//! Faults: what goes wrong on purpose.

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
    /// How many requests matched while the fault was not used up.
    pub matches: i64,
    /// How many of them were hit.
    pub hits: i64,
}

/// Which requests a fault hits, and what it does to them. The members are stored as JSON and shown in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// In upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPattern>,
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
pub struct FaultTarget<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// `None` for a request without a route.
    pub operation: Option<&'a str>,
}

impl FaultRule {
    /// Hits only requests to the operation with that id of the contract, such as `create-customer`.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Hits only requests with that method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Hits only requests to paths that match: `*` stands for one segment, and a last `**` for all segments that follow.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(PathPattern::new(pattern));
        self
    }

    /// Lets the first `count` matches pass.
    #[must_use]
    pub fn skip(mut self, count: i64) -> Self {
        self.skip = count;
        self
    }

    /// Hits `count` matches and then no more.
    #[must_use]
    pub fn times(mut self, count: i64) -> Self {
        self.times = Some(count);
        self
    }

    /// Answers with that status, 400 to 599, and the vendor's body for it.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the seconds that a fault with the status 429 tells the client to wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Delays the answer by `millis` milliseconds.
    #[must_use]
    pub fn delay(mut self, millis: u32) -> Self {
        self.delay_ms = Some(Delay::Fixed(millis));
        self
    }

    /// Breaks the connection in that way instead of answering.
    #[must_use]
    pub fn connection(mut self, connection: ConnectionFault) -> Self {
        self.connection = Some(connection);
        self
    }

    /// Carries the call out first, so that its effect stays.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Returns whether a seed decides which matches are hit, or how long they are delayed.
    #[must_use]
    pub fn is_decided_by_seed(&self) -> bool {
        self.probability.is_some() || matches!(self.delay_ms, Some(Delay::Range { .. }))
    }

    /// Returns whether the request is one of those that the fault is for.
    #[must_use]
    pub fn matches(&self, target: FaultTarget<'_>) -> bool {
        self.operation.as_deref().is_none_or(|operation| target.operation == Some(operation))
            && self.method.as_deref().is_none_or(|method| target.method == method)
            && self.path.as_ref().is_none_or(|path| path.matches(target.path))
    }

    /// Returns whether a call that is hit is carried out.
    #[must_use]
    pub fn is_carried_out(&self) -> bool {
        self.after || matches!((self.status, self.connection), (None, None) | (_, Some(ConnectionFault::Truncate)))
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
        let rule = FaultRule {
            path: Some(PathPattern::new("/v1/*")),
            probability: Some(1.into()),
            seed: Some(-7),
            delay_ms: Some(Delay::Range { min: 1, max: 3 }),
            connection: Some(ConnectionFault::Truncate),
            ..FaultRule::default()
        };
        let stored = serde_json::to_string(&rule).unwrap();
        assert_eq!(
            stored,
            r#"{"path":"/v1/*","skip":0,"probability":1,"seed":-7,"delay_ms":{"min":1,"max":3},"connection":"truncate","after":false}"#
        );
        assert_eq!(serde_json::from_str::<FaultRule>(&stored).unwrap(), rule);
    }

    #[test]
    fn a_delay_from_a_range_depends_on_seed_and_number() {
        let rule = |seed| FaultRule {
            seed: Some(seed),
            delay_ms: Some(Delay::Range { min: 100, max: 300 }),
            ..FaultRule::default()
        };
        let delays = |seed| (1..50).map(|number| rule(seed).delay_of_match(number)).collect::<Vec<_>>();
        assert!(delays(1).iter().all(|delay| (100..=300).contains(&delay.as_millis())));
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[test]
    fn the_call_is_carried_out_unless_it_is_answered_instead() {
        let status = FaultRule { status: Some(503), ..FaultRule::default() };
        assert!(!status.is_carried_out() && FaultRule { after: true, ..status }.is_carried_out());
        let connection = |connection| FaultRule { connection: Some(connection), ..FaultRule::default() };
        assert!(connection(ConnectionFault::Truncate).is_carried_out());
        assert!(
            !connection(ConnectionFault::Reset).is_carried_out() && !connection(ConnectionFault::Hang).is_carried_out()
        );
        assert!(FaultRule { delay_ms: Some(Delay::Fixed(1)), ..FaultRule::default() }.is_carried_out());
    }
}
