//! Builds new orders and applies patches to orders, in memory.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::metadata_size::check_metadata_size;
use crate::domain::metadata_schema::Write;
use crate::domain::order::{Order, OrderPatch, OrderStatus};
use crate::domain::rules::Rules;
use crate::ids::IdSource;
use crate::service::Error;

/// Builds a new order from a patch, without a customer and a referrer.
///
/// # Errors
/// Returns [`Error::InvalidMetadata`] when metadata violates its schema, and [`Error::Invalid`] when it is too large.
pub fn new_from(
    ids: &mut IdSource,
    rules: &Rules,
    source_id: Option<&String>,
    patch: &OrderPatch,
    now: DateTime<Utc>,
) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Creation)?;
    let mut order = Order {
        id: ids.time_ordered("ord_", now),
        source_id: source_id.cloned(),
        customer_id: None,
        referrer_id: None,
        status: OrderStatus::default(),
        amount: 0,
        items: None,
        metadata: None,
        created_at: now,
        updated_at: None,
    };
    patch.clone().apply(&mut order);
    check_metadata_size(order.metadata.as_ref())?;
    Ok(order)
}

/// Returns an order after a patch. Its customer and its referrer stay.
///
/// # Errors
/// Returns [`Error::InvalidMetadata`] when metadata violates its schema, and [`Error::Invalid`] when the merged metadata is
/// too large.
pub fn apply_patch(rules: &Rules, mut order: Order, patch: &OrderPatch, now: DateTime<Utc>) -> Result<Order, Error> {
    check_metadata(rules, patch, Write::Change)?;
    patch.clone().apply(&mut order);
    if !patch.metadata.is_absent() {
        check_metadata_size(order.metadata.as_ref())?;
    }
    order.updated_at = Some(now);
    Ok(order)
}

/// Checks the metadata of an order and of its items against their schemas. Requests always contain items as a whole, so
/// theirs is checked as at a creation.
fn check_metadata(rules: &Rules, sent: &OrderPatch, write: Write) -> Result<(), Error> {
    rules.check_metadata("order", sent.metadata.as_value(), write).map_err(Error::invalid_metadata)?;
    for item in sent.items.iter().flatten() {
        let metadata = item.tail.get("metadata").and_then(Value::as_object);
        rules.check_metadata("order_item", metadata, Write::Creation).map_err(Error::invalid_metadata)?;
    }
    Ok(())
}
