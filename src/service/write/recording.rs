//! What is recorded when customers and orders are written.

use crate::domain::activity::ActivityType;
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::objects::{customer, order, rendered};

/// On whose behalf customers and orders are written, which determines what is recorded and which time the rows show.
#[derive(Clone, Copy, Debug)]
pub enum Recording<'a> {
    /// A request: every change is recorded in the activity and sent to webhooks. All rows show the time of the transaction.
    Request,
    /// The confirmation of the unconfirmed customer with this id, which is recorded in place of the creation or the update.
    Confirmation(&'a str),
    /// A job: only entering and leaving segments is recorded, and nothing is sent to webhooks, because the vendor sends
    /// no events for bulk operations. Each row shows a time of its own.
    Job,
}

impl Recording<'_> {
    /// Returns whether changes of customers and orders are recorded, and activity is sent to webhooks.
    pub fn includes_changes(self) -> bool {
        !matches!(self, Self::Job)
    }

    /// Returns the type and the payload of an activity entry about the customer itself, or `None` when it is not
    /// recorded. The type is `on_request`, or that of a confirmation, which is recorded instead.
    pub fn of_customer(self, of: &Customer, on_request: ActivityType) -> Option<(ActivityType, JsonText)> {
        let payload = |unconfirmed_id| rendered(|out| customer::write_payload(out, of, unconfirmed_id));
        match self {
            Self::Request => Some((on_request, payload(None))),
            Self::Confirmation(id) => Some((ActivityType::CustomerConfirmed, payload(Some(id)))),
            Self::Job => None,
        }
    }

    /// Returns the payload of an activity entry about an order, and the id and the JSON of its referrer, who is not part
    /// of the payload. Returns `None` when it is not recorded.
    pub fn of_order(
        self,
        of: &Order,
        customer: &Customer,
        referrer: Option<&Customer>,
    ) -> Option<(JsonText, Option<(String, JsonText)>)> {
        if !self.includes_changes() {
            return None;
        }
        let referrer = referrer
            .map(|referrer| (referrer.id.clone(), rendered(|out| customer::write_simple_in_event(out, referrer))));
        Some((rendered(|out| order::write_payload(out, of, customer)), referrer))
    }
}
