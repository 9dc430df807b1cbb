//! The order object.

use super::customer;
use super::writer::ObjectWriter;
use crate::domain::customer::Customer;
use crate::domain::json::JsonText;
use crate::domain::order::Order;

/// The fixed parts of a payload written by [`write_payload`].
const BEFORE_CUSTOMER: &str = r#"{"customer":"#;
const BEFORE_ORDER: &str = r#","order":{"#;
const BEFORE_CUSTOMER_ID: &str = r#","customer_id":"#;
const END: &str = r#","object":"order"},"redemption":null}"#;

/// Writes the object as in answers.
pub fn write(out: &mut Vec<u8>, order: &Order) {
    write_with(out, order, true, |out, id| {
        ObjectWriter::new(out).text("id", id).raw("object", "\"customer\"").end();
    });
}

/// Writes the payload of the `customer.order.*` entries without the referrer. The referrer is another customer and is
/// stored separately.
pub fn write_payload(out: &mut Vec<u8>, order: &Order, customer: &Customer) {
    ObjectWriter::new(out)
        .with("customer", |out| customer::write_simple_in_event(out, customer))
        .with("order", |out| write_with(out, order, false, write_customer_reference_in_event))
        .raw("redemption", "null")
        .end();
}

/// Writes a payload stored by [`write_payload`], and inserts the referrer (its id and its object) where the vendor's
/// payloads have it. The rest is copied unchanged.
pub fn write_stored_payload(out: &mut Vec<u8>, stored: &JsonText, referrer: Option<&(String, JsonText)>) {
    let Some((customer, order, customer_id)) = split_payload(stored.as_str()) else {
        // The payload was not written by `write_payload`: copy it unchanged.
        out.extend_from_slice(stored.as_str().as_bytes());
        return;
    };
    ObjectWriter::new(out)
        .raw("customer", customer)
        .raw("referrer", referrer.map_or("null", |(_, object)| object.as_str()))
        .object("order", |object| {
            object.raw_members(order);
            if let Some((id, _)) = referrer {
                object.with("referrer", |out| write_customer_reference_in_event(out, id));
            }
            object
                .raw("customer_id", customer_id)
                .nullable_text("referrer_id", referrer.map(|(id, _)| id.as_str()))
                .raw("object", "\"order\"");
        })
        .raw("redemption", "null")
        .end();
}

/// Splits a payload without a referrer into the customer, the members of the order before `customer_id`, and the
/// customer's id.
fn split_payload(payload: &str) -> Option<(&str, &str, &str)> {
    let rest = payload.strip_prefix(BEFORE_CUSTOMER)?.strip_suffix(END)?;
    let (customer, rest) = rest.split_at(end_of_object(rest)?);
    // Split at the last match, because only an id follows it.
    let (order, customer_id) = rest.strip_prefix(BEFORE_ORDER)?.rsplit_once(BEFORE_CUSTOMER_ID)?;
    Some((customer, order, customer_id))
}

/// Returns the end of the JSON object at the beginning of `text`.
fn end_of_object(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
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

/// Writes the customer or referrer of an order in a payload.
fn write_customer_reference_in_event(out: &mut Vec<u8>, id: &str) {
    ObjectWriter::new(out)
        .text("id", id)
        .raw("address", "null")
        .raw("summary", "null")
        .raw("loyalty", "null")
        .raw("referrals", "null")
        .raw("object", "\"customer\"")
        .end();
}

/// Writes an order with or without its referrer. `write_customer` writes the customer and the referrer.
fn write_with(out: &mut Vec<u8>, order: &Order, with_referrer: bool, write_customer: impl Fn(&mut Vec<u8>, &str)) {
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
        object.with("customer", |out| write_customer(out, id));
    }
    if let Some(id) = order.referrer_id.as_ref().filter(|_| with_referrer) {
        object.with("referrer", |out| write_customer(out, id));
    }
    object.nullable_text("customer_id", order.customer_id.as_deref());
    if with_referrer {
        object.nullable_text("referrer_id", order.referrer_id.as_deref());
    }
    object.raw("object", "\"order\"").end();
}
