//! Reads the orders in request bodies.

use serde_json::{Map, Value};

use crate::api::v1::customers::request::customer_reference;
use crate::domain::customer::CustomerReference;
use crate::domain::limits::{ORDER_ITEMS, TEXT_CHARS};
use crate::domain::order::{OrderChange, OrderItem, OrderPatch, OrderReference, OrderStatus};
use crate::domain::patch::Patch;
use crate::http::error::ApiError;
use crate::http::payload::Object;

/// Reads the ids that select the order to save.
pub fn order_reference(body: &mut Object<'_>) -> Result<OrderReference, ApiError> {
    Ok(OrderReference { id: body.identifier("id")?, source_id: body.identifier("source_id")? })
}

/// Reads the change of an order, with its customer and its referrer.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn order_change(mut body: Object<'_>) -> Result<OrderChange, ApiError> {
    let status = body.one_of("status", &OrderStatus::ALL.map(OrderStatus::as_str), OrderStatus::parse)?;
    let amount = body.integer("amount")?;
    let items = body
        .objects("items", ORDER_ITEMS)?
        .map(|items| items.into_iter().map(order_item).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let metadata = body.metadata("metadata")?;
    let customer = object_or_id(&mut body, "customer", "customer_id")?;
    let referrer = object_or_id(&mut body, "referrer", "referrer_id")?;
    let created_at = body.time("created_at")?;
    // Discounts are not emulated.
    body.ignore(&["discount_amount", "initial_amount"]);
    Ok(OrderChange { order: OrderPatch { status, amount, items, metadata, created_at }, customer, referrer })
}

/// Reads a customer that is sent as an object or as an id. The object takes precedence.
fn object_or_id(body: &mut Object<'_>, object: &'static str, id: &str) -> Result<Option<CustomerReference>, ApiError> {
    let id = body.identifier(id)?;
    Ok(match (body.object(object)?, id) {
        (Patch::Value(customer), _) => Some(customer_reference(customer)?),
        (_, Some(id)) => Some(CustomerReference { id: Some(id), ..CustomerReference::default() }),
        _ => None,
    })
}

fn order_item(mut body: Object<'_>) -> Result<OrderItem, ApiError> {
    let mut head = Map::new();
    for name in ["source_id", "related_object", "product_id", "sku_id"] {
        let text = if name == "related_object" {
            let allowed = ["product", "sku"];
            body.one_of(name, &allowed, |text| allowed.contains(&text).then(|| text.to_owned()))?
        } else {
            body.identifier(name)?
        };
        head.extend(text.map(|text| (name.to_owned(), Value::String(text))));
    }
    let quantity = body.integer("quantity")?;
    let price = body.integer("price")?;
    let amount = body.integer("amount")?;
    // Discounts are not emulated, so the quantity before a discount is only checked.
    body.integer_of_at_least("initial_quantity", 1)?;
    body.ignore(&["discount_amount", "discount_quantity", "initial_amount"]);
    let mut tail = Map::new();
    let (product, product_price) = product_or_sku(&mut body, "product", "name")?;
    let (sku, sku_price) = product_or_sku(&mut body, "sku", "sku")?;
    tail.extend(
        [("product", product), ("sku", sku)].into_iter().filter_map(|(name, object)| Some((name.to_owned(), object?))),
    );
    if let Patch::Value(metadata) = body.metadata("metadata")? {
        tail.insert("metadata".to_owned(), Value::Object(metadata));
    }
    Ok(OrderItem { head, quantity, price: price.or(sku_price).or(product_price), amount, tail })
}

/// Reads the product or SKU of an item, whose own name is in the member `title`. Returns an object with the members that the vendor
/// shows, and the price.
fn product_or_sku(
    body: &mut Object<'_>,
    name: &'static str,
    title: &'static str,
) -> Result<(Option<Value>, Option<i64>), ApiError> {
    let Patch::Value(mut object) = body.object(name)? else { return Ok((None, None)) };
    let mut shown = Map::new();
    let texts = [
        ("id", object.identifier("id")?),
        ("source_id", object.identifier("source_id")?),
        (title, object.optional_text(title, TEXT_CHARS)?),
    ];
    shown.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))));
    if let Patch::Value(metadata) = object.metadata("metadata")? {
        shown.insert("metadata".to_owned(), Value::Object(metadata));
    }
    let price = object.integer("price")?;
    // Products are not looked up, so none is replaced.
    object.ignore(&["override"]);
    shown.extend(price.map(|price| ("price".to_owned(), price.into())));
    Ok((Some(Value::Object(shown)), price))
}
