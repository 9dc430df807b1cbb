//! The customer object in its three forms: full, full with assets, and simple; and the unconfirmed customer.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::Value;

use super::writer::{self, ObjectWriter};
use crate::domain::customer::{Customer, CustomerRef, OrderSummary, Profile};
use crate::domain::unconfirmed_customer::UnconfirmedCustomer;

/// `summary.redemptions` of a customer without redemptions. The emulator has no redemptions; a test can set this value.
const NO_REDEMPTIONS: &str = concat!(
    r#"{"total_redeemed":0,"total_failed":0,"total_succeeded":0,"#,
    r#""total_rolled_back":0,"total_rollback_failed":0,"total_rollback_succeeded":0,"#,
    r#""gift":{"redeemed_amount":0,"amount_to_go":0},"loyalty_card":{"redeemed_points":0,"points_to_go":0}}"#,
);
const NO_ORDERS: &str = r#"{"total_amount":0,"total_count":0,"average_amount":0,"last_order_amount":0}"#;
const NO_LOYALTY: &str = r#"{"points":0,"referred_customers":0,"campaigns":{}}"#;
const NO_REFERRALS: &str = r#"{"total":0,"campaigns":[]}"#;

/// The members from `summary` to `referrals` of a customer without orders and without state, as most customers are.
static UNUSED: LazyLock<String> = LazyLock::new(|| {
    let object = writer::rendered(|out| {
        let mut object = ObjectWriter::new(out);
        write_maintained(&mut object, &OrderSummary::default(), None);
        object.end();
    });
    writer::members(object.as_str()).to_owned()
});

/// Writes the full object.
pub fn write_full(out: &mut Vec<u8>, customer: &Customer) {
    write_ref(out, &customer.into());
}

/// Writes the full object of a customer whose text is borrowed.
pub fn write_ref(out: &mut Vec<u8>, customer: &CustomerRef<'_>) {
    write(out, customer, None);
}

/// Writes the full object with `assets`, which only the answer to reading one customer contains.
pub fn write_with_assets(out: &mut Vec<u8>, customer: &Customer, cockpit_url: &str) {
    write(out, &customer.into(), Some(cockpit_url));
}

/// Writes the payload of activity entries about the customer itself. That of a confirmation has the id of the
/// unconfirmed customer.
pub fn write_payload(out: &mut Vec<u8>, customer: &Customer, unconfirmed_id: Option<&str>) {
    let mut object = ObjectWriter::new(out);
    object.with("customer", |out| write_full(out, customer));
    if let Some(id) = unconfirmed_id {
        object.object("unconfirmed_customer", |unconfirmed| {
            unconfirmed.text("id", id);
        });
    }
    object.end();
}

/// Writes an unconfirmed customer, with the members that the vendor publishes.
pub fn write_unconfirmed(out: &mut Vec<u8>, unconfirmed: &UnconfirmedCustomer) {
    let mut object = ObjectWriter::new(out);
    object.text("id", &unconfirmed.id);
    if let Some(email) = unconfirmed.email() {
        object.text("email", email);
    }
    object
        .object("summary", |summary| {
            summary.raw("redemptions", NO_REDEMPTIONS).raw("orders", NO_ORDERS);
        })
        .raw("loyalty", NO_LOYALTY)
        .raw("object", "\"unconfirmed_customer\"")
        .end();
}

fn write(out: &mut Vec<u8>, customer: &CustomerRef<'_>, cockpit_url: Option<&str>) {
    let state: Option<Value> = customer.state.map(|state| serde_json::from_str(state).unwrap_or_default());
    let mut object = ObjectWriter::new(out);
    object
        .text("id", customer.id)
        .nullable_text("source_id", customer.source_id)
        .raw_members(writer::members(customer.profile));
    if state.is_none() && customer.orders == OrderSummary::default() {
        object.raw_members(&UNUSED);
    } else {
        write_maintained(&mut object, &customer.orders, state.as_ref());
    }
    if let Some(metadata) = customer.metadata {
        object.raw("metadata", metadata);
    }
    object
        .raw("system_metadata", &state_or(state.as_ref(), "system_metadata", "{}"))
        .time("created_at", customer.created_at)
        .optional_time("updated_at", customer.updated_at);
    if let Some(url) = cockpit_url {
        object.object("assets", |assets| {
            assets.text("cockpit_url", url);
        });
    }
    object.raw("object", "\"customer\"").end();
}

/// Writes the members that orders and other resources maintain, except `system_metadata`.
fn write_maintained(object: &mut ObjectWriter<'_>, orders: &OrderSummary, state: Option<&Value>) {
    object
        .object("summary", |summary| {
            summary
                .raw("redemptions", &state_or(state, "redemptions", NO_REDEMPTIONS))
                .with("orders", |out| write_orders(out, orders));
        })
        .raw("loyalty", &state_or(state, "loyalty", NO_LOYALTY))
        .raw("referrals", &state_or(state, "referrals", NO_REFERRALS));
}

/// Returns a member of the state as JSON, or `default` when it is not set.
fn state_or(state: Option<&Value>, name: &str, default: &'static str) -> Cow<'static, str> {
    let value = state.and_then(|state| state.get(name));
    value.map_or(Cow::Borrowed(default), |value| Cow::Owned(value.to_string()))
}

fn write_orders(out: &mut Vec<u8>, orders: &OrderSummary) {
    if *orders == OrderSummary::default() {
        out.extend_from_slice(NO_ORDERS.as_bytes());
        return;
    }
    ObjectWriter::new(out)
        .number("total_amount", orders.amount)
        .number("total_count", orders.count)
        .number("average_amount", orders.average_amount())
        .number("last_order_amount", orders.last_amount)
        .optional_time("last_order_date", orders.last_at)
        .end();
}

/// Writes the simple object of answers. Unset names and e-mail addresses are `null`; unset metadata is absent.
pub fn write_simple(out: &mut Vec<u8>, customer: &Customer) {
    let profile = profile(customer);
    ObjectWriter::new(out)
        .text("id", &customer.id)
        .nullable_text("source_id", customer.source_id.as_deref())
        .nullable_text("name", profile.name.as_deref())
        .nullable_text("email", profile.email.as_deref())
        .optional_json("metadata", customer.metadata.as_ref())
        .raw("object", "\"customer\"")
        .end();
}

/// Writes the simple object of event payloads: the same members as [`write_simple`], in the order of the vendor's
/// webhook examples.
pub fn write_simple_in_event(out: &mut Vec<u8>, customer: &Customer) {
    let profile = profile(customer);
    ObjectWriter::new(out)
        .text("id", &customer.id)
        .nullable_text("name", profile.name.as_deref())
        .nullable_text("email", profile.email.as_deref())
        .nullable_text("source_id", customer.source_id.as_deref())
        .optional_json("metadata", customer.metadata.as_ref())
        .raw("object", "\"customer\"")
        .end();
}

fn profile(customer: &Customer) -> Profile {
    serde_json::from_str(customer.profile.as_str()).unwrap_or_default()
}
