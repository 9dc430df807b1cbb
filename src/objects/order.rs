//! The order object.

use super::{ObjectWriter, customer};
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::order::Order;

/// The fixed pieces of what [`write_payload`] writes.
const BEFORE_CUSTOMER: &str = r#"{"customer":"#;
const BEFORE_ORDER: &str = r#","order":{"#;
const BEFORE_CUSTOMER_ID: &str = r#","customer_id":"#;
const END: &str = r#","object":"order"},"redemption":null}"#;

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
        .with("order", |out| write_with(out, order, false, write_person_in_event))
        .raw("redemption", "null")
        .end();
}

/// What [`write_payload`] wrote, with the referrer (the id, and how the payload shows them) put back where the vendor's
/// payloads have one. The rest is copied as it stands.
pub fn write_stored_payload(out: &mut Vec<u8>, stored: &JsonText, referrer: Option<&(String, JsonText)>) {
    let Some((customer, order, customer_id)) = pieces(stored.as_str()) else {
        // Written by something else: shown as it is.
        out.extend_from_slice(stored.as_str().as_bytes());
        return;
    };
    ObjectWriter::new(out)
        .raw("customer", customer)
        .raw("referrer", referrer.map_or("null", |(_, shown)| shown.as_str()))
        .object("order", |object| {
            object.raw_members(order);
            if let Some((id, _)) = referrer {
                object.with("referrer", |out| write_person_in_event(out, id));
            }
            object
                .raw("customer_id", customer_id)
                .nullable_text("referrer_id", referrer.map(|(id, _)| id.as_str()))
                .raw("object", "\"order\"");
        })
        .raw("redemption", "null")
        .end();
}

/// Of a payload without a referrer: the customer, the members of the order up to its customer, the customer's id.
fn pieces(payload: &str) -> Option<(&str, &str, &str)> {
    let rest = payload.strip_prefix(BEFORE_CUSTOMER)?.strip_suffix(END)?;
    let (customer, rest) = rest.split_at(end_of_object(rest)?);
    // The last one: what comes after it is an id.
    let (order, customer_id) = rest.strip_prefix(BEFORE_ORDER)?.rsplit_once(BEFORE_CUSTOMER_ID)?;
    Some((customer, order, customer_id))
}

/// Where the JSON object ends that `text` begins with.
fn end_of_object(text: &str) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'{' if !is_text => depth += 1,
            b'}' if !is_text => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A person of the order in the payload.
fn write_person_in_event(out: &mut Vec<u8>, id: &str) {
    ObjectWriter::new(out)
        .text("id", id)
        .raw("address", "null")
        .raw("summary", "null")
        .raw("loyalty", "null")
        .raw("referrals", "null")
        .raw("object", "\"customer\"")
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
