//! The order object.

use super::{ObjectWriter, customer};
use crate::domain::customer::Customer;
use crate::domain::order::Order;

/// The object as answers show it.
pub fn write(out: &mut Vec<u8>, order: &Order) {
    write_with(out, order, true, |out, id| {
        ObjectWriter::new(out).text("id", id).raw("object", "\"customer\"").end();
    });
}

/// The payload of the `customer.order.*` entries, without the referrer, who is another person and kept apart.
pub fn write_payload(out: &mut Vec<u8>, order: &Order, of: &Customer) {
    ObjectWriter::new(out)
        .with("customer", |out| customer::write_simple_in_event(out, of))
        .with("order", |out| {
            write_with(out, order, false, |out, id| {
                ObjectWriter::new(out)
                    .text("id", id)
                    .raw("address", "null")
                    .raw("summary", "null")
                    .raw("loyalty", "null")
                    .raw("referrals", "null")
                    .raw("object", "\"customer\"")
                    .end();
            });
        })
        .raw("redemption", "null")
        .end();
}

/// With or without the referrer, and people as `person` writes them.
fn write_with(out: &mut Vec<u8>, order: &Order, with_referrer: bool, person: impl Fn(&mut Vec<u8>, &str)) {
    let mut object = ObjectWriter::new(out);
    object
        .text("id", &order.id)
        .nullable_text("source_id", order.source_id.as_deref())
        .time("created_at", order.created_at)
        .nullable_time("updated_at", order.updated_at)
        .text("status", order.status.as_str())
        .number("amount", order.amount)
        .number("total_amount", order.amount)
        .optional_json("items", order.items.as_ref())
        .optional_json("metadata", order.metadata.as_ref());
    if let Some(id) = &order.customer_id {
        object.with("customer", |out| person(out, id));
    }
    if let Some(id) = order.referrer_id.as_ref().filter(|_| with_referrer) {
        object.with("referrer", |out| person(out, id));
    }
    object.nullable_text("customer_id", order.customer_id.as_deref());
    if with_referrer {
        object.nullable_text("referrer_id", order.referrer_id.as_deref());
    }
    object.raw("object", "\"order\"").end();
}
