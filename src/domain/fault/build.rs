//! Builds the rules of faults, member by member.

use super::{ConnectionFault, Delay, DeliveryFault, FaultRule, HitSchedule, RequestFault};
use crate::domain::path_pattern::PathPattern;

impl From<RequestFault> for FaultRule {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}

impl From<DeliveryFault> for FaultRule {
    fn from(fault: DeliveryFault) -> Self {
        Self::Delivery(fault)
    }
}

impl RequestFault {
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
        self.schedule.skip = count;
        self
    }

    /// Hits `count` matches and then no more.
    #[must_use]
    pub fn times(mut self, count: i64) -> Self {
        self.schedule.times = Some(count);
        self
    }

    /// Answers with that status, 400 to 599, and the vendor's body for it.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets after how many seconds a client may try again, for a fault with the status 429.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Delays the answer by `millis` milliseconds.
    #[must_use]
    pub fn delay(mut self, millis: u32) -> Self {
        self.schedule.delay_ms = Some(Delay::Fixed(millis));
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
}

impl Default for DeliveryFault {
    /// Returns a fault of the deliveries of every webhook, which does nothing yet.
    fn default() -> Self {
        Self {
            webhook: Self::EVERY_WEBHOOK.to_owned(),
            event: None,
            schedule: HitSchedule::default(),
            duplicate: None,
            fail: false,
        }
    }
}

impl DeliveryFault {
    /// Hits only deliveries to the webhook with that id.
    #[must_use]
    pub fn webhook(mut self, id: impl Into<String>) -> Self {
        self.webhook = id.into();
        self
    }

    /// Hits only deliveries of that type of event, such as `customer.created`.
    #[must_use]
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }

    /// Lets the first `count` matches pass.
    #[must_use]
    pub fn skip(mut self, count: i64) -> Self {
        self.schedule.skip = count;
        self
    }

    /// Hits `count` matches and then no more.
    #[must_use]
    pub fn times(mut self, count: i64) -> Self {
        self.schedule.times = Some(count);
        self
    }

    /// Delays the attempt by `millis` milliseconds.
    #[must_use]
    pub fn delay(mut self, millis: u32) -> Self {
        self.schedule.delay_ms = Some(Delay::Fixed(millis));
        self
    }

    /// Sends the message so many times more.
    #[must_use]
    pub fn duplicate(mut self, times: u32) -> Self {
        self.duplicate = Some(times);
        self
    }

    /// Fails the attempt without sending the message.
    #[must_use]
    pub fn fail(mut self) -> Self {
        self.fail = true;
        self
    }
}
