//! Orders.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::activity::ActivityType;
use super::customer::{self, CustomerReference};
use super::identifier::Lookup;
use super::json::JsonText;
use super::limits;
use super::patch::Patch;

/// The status of an order. Any status may follow any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderStatus {
    #[default]
    Created,
    Paid,
    Canceled,
    Fulfilled,
}

impl OrderStatus {
    /// All statuses, in the vendor's order.
    pub const ALL: [Self; 4] = [Self::Created, Self::Paid, Self::Canceled, Self::Fulfilled];

    /// Returns the vendor's name of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Paid => "PAID",
            Self::Canceled => "CANCELED",
            Self::Fulfilled => "FULFILLED",
        }
    }

    /// Returns the status with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Returns whether an order in this status counts in the customer's `summary.orders`.
    #[must_use]
    pub fn counts_in_summary(self) -> bool {
        matches!(self, Self::Paid | Self::Fulfilled)
    }

    /// Returns the activity type that records a change to this status.
    fn activity_type(self) -> Option<ActivityType> {
        match self {
            Self::Created => None,
            Self::Paid => Some(ActivityType::OrderPaid),
            Self::Canceled => Some(ActivityType::OrderCanceled),
            Self::Fulfilled => Some(ActivityType::OrderFulfilled),
        }
    }
}

/// An order as it is stored.
#[derive(Clone, Debug)]
pub struct Order {
    /// `ord_...`.
    pub id: String,
    pub source_id: Option<String>,
    pub customer_id: Option<String>,
    pub referrer_id: Option<String>,
    pub status: OrderStatus,
    /// In hundredths. Discounts are not emulated, so this is also the total amount.
    pub amount: i64,
    /// The items in the vendor's JSON form; `None` when none were sent.
    pub items: Option<JsonText>,
    /// `None` until a request sends metadata.
    pub metadata: Option<JsonText>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first update.
    pub updated_at: Option<DateTime<Utc>>,
}

/// The changes that a request makes to an order, without the identifiers of the order and its customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// In hundredths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<OrderItem>>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
}

impl OrderPatch {
    /// Applies the changes to `order`. If any item has a price or an amount, the amount of the order is the sum of the
    /// items; otherwise it is the amount that was sent.
    pub fn apply(self, order: &mut Order) {
        let Self { status, amount, items, metadata, created_at } = self;
        if let Some(status) = status {
            order.status = status;
        }
        if let Some(amount) = amount {
            order.amount = amount;
        }
        if let Some(items) = items {
            if let Some(sum) = OrderItem::sum(&items) {
                order.amount = sum;
            }
            order.items = Some(JsonText::of(&items.into_iter().map(OrderItem::render).collect::<Vec<_>>()));
        }
        if !metadata.is_absent() {
            let stored = order.metadata.as_ref().map(JsonText::value);
            order.metadata = customer::merge_metadata(stored, metadata).map(|metadata| JsonText::of(&metadata));
        }
        if let Some(created_at) = created_at {
            order.created_at = created_at;
        }
    }
}

/// The content of a request that creates or changes an order.
#[derive(Clone, Debug, Default)]
pub struct OrderChange {
    pub order: OrderPatch,
    /// The customer of the order; `None` keeps the current one.
    pub customer: Option<CustomerReference>,
    /// The customer who referred the customer; `None` keeps the current one.
    pub referrer: Option<CustomerReference>,
}

/// The identifiers of an order in the body of `POST /v1/orders` and in an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderReference {
    /// The id of an order that must exist. It takes precedence over `source_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

impl OrderReference {
    /// Returns the identifier by which an existing order is looked up.
    #[must_use]
    pub fn lookup(&self) -> Option<Lookup<'_>> {
        Lookup::of(self.id.as_ref(), self.source_id.as_ref())
    }
}

/// One item as it was sent: the members that the vendor supports, in its order, and the two that amounts are computed
/// from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderItem {
    /// Members before the quantity: `product_id`, `source_id`, ...
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub head: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// In hundredths: the price of the item itself, or of its SKU or product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// In hundredths: the amount that was sent. It counts only if there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// Members after the price: `product`, `sku`, `metadata`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub tail: Map<String, Value>,
}

impl OrderItem {
    /// Returns price times quantity, in hundredths; the quantity defaults to 1. An item without a price has the amount that was sent.
    fn amount(&self) -> Option<i64> {
        self.price.map(|price| limits::clamp(price.saturating_mul(self.quantity.unwrap_or(1)))).or(self.amount)
    }

    /// Returns the sum over the items that have an amount, or `None` if no item has one.
    fn sum(items: &[Self]) -> Option<i64> {
        items.iter().filter_map(Self::amount).reduce(|sum, amount| limits::clamp(sum.saturating_add(amount)))
    }

    fn render(self) -> Value {
        let amount = self.amount();
        let Self { head, quantity, price, amount: _, tail } = self;
        let mut item = Map::new();
        item.insert("object".to_owned(), "order_item".into());
        item.extend(head);
        let numbers = [("quantity", quantity), ("amount", amount), ("price", price), ("subtotal_amount", amount)];
        item.extend(numbers.into_iter().filter_map(|(name, number)| Some((name.to_owned(), number?.into()))));
        item.extend(tail);
        Value::Object(item)
    }
}

/// Returns the activity types to record for a new order.
#[must_use]
pub fn activity_of_creation(order: &Order) -> Vec<ActivityType> {
    std::iter::once(ActivityType::OrderCreated).chain(order.status.activity_type()).collect()
}

/// Returns the activity types to record for an updated order that had status `before`.
#[must_use]
pub fn activity_of_update(order: &Order, before: OrderStatus) -> Vec<ActivityType> {
    let status_change = order.status.activity_type().filter(|_| order.status != before);
    std::iter::once(ActivityType::OrderUpdated).chain(status_change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amount_is_the_sum_of_the_priced_items() {
        let item = |quantity, price| OrderItem { quantity, price, ..OrderItem::default() };
        assert_eq!(OrderItem::sum(&[item(Some(2), Some(100)), item(None, Some(5)), item(Some(9), None)]), Some(205));
        assert_eq!(OrderItem::sum(&[item(Some(2), None)]), None);
        let with_amount = |quantity, price| OrderItem { amount: Some(700), ..item(quantity, price) };
        assert_eq!(OrderItem::sum(&[with_amount(Some(2), None), with_amount(None, None)]), Some(1_400));
        assert_eq!(OrderItem::sum(&[with_amount(Some(2), Some(100))]), Some(200), "a price takes precedence");
        let largest = item(Some(limits::MAX_INTEGER), Some(limits::MAX_INTEGER));
        assert_eq!(OrderItem::sum(&[largest.clone(), largest]), Some(limits::MAX_INTEGER), "no overflow");
        let least = item(Some(limits::MAX_INTEGER), Some(-limits::MAX_INTEGER));
        assert_eq!(OrderItem::sum(&[least.clone(), least]), Some(-limits::MAX_INTEGER));
    }

    #[test]
    fn a_patch_is_the_same_after_serialization_and_deserialization() {
        let item = |text| match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _ => unreachable!(),
        };
        for (patch, text) in [
            (OrderPatch::default(), "{}"),
            (
                OrderPatch { metadata: Patch::Null, items: Some(Vec::new()), ..OrderPatch::default() },
                r#"{"items":[],"metadata":null}"#,
            ),
            (
                OrderPatch {
                    status: Some(OrderStatus::Paid),
                    amount: Some(-1),
                    items: Some(vec![
                        OrderItem::default(),
                        OrderItem {
                            head: item(r#"{"source_id":"a","product_id":"b"}"#),
                            quantity: Some(2),
                            price: Some(3),
                            amount: None,
                            tail: item(r#"{"sku":{"price":3},"metadata":{"z":1.5,"a":null}}"#),
                        },
                    ]),
                    metadata: Patch::Value(Map::new()),
                    created_at: DateTime::from_timestamp_micros(1_704_067_200_000_001),
                },
                concat!(
                    r#"{"status":"PAID","amount":-1,"items":[{},{"head":{"source_id":"a","product_id":"b"},"quantity":2,"price":3,"#,
                    r#""tail":{"sku":{"price":3},"metadata":{"z":1.5,"a":null}}}],"metadata":{},"created_at":"2024-01-01T00:00:00.000001Z"}"#
                ),
            ),
        ] {
            assert_eq!(JsonText::of(&patch).as_str(), text);
            assert_eq!(serde_json::from_str::<OrderPatch>(text).unwrap(), patch);
        }
    }

    #[test]
    fn a_status_is_recorded_when_it_changes() {
        let order = |status| Order {
            id: String::new(),
            source_id: None,
            customer_id: None,
            referrer_id: None,
            status,
            amount: 0,
            items: None,
            metadata: None,
            created_at: DateTime::default(),
            updated_at: None,
        };
        let paid = order(OrderStatus::Paid);
        assert_eq!(activity_of_creation(&paid), [ActivityType::OrderCreated, ActivityType::OrderPaid]);
        assert_eq!(
            activity_of_update(&paid, OrderStatus::Created),
            [ActivityType::OrderUpdated, ActivityType::OrderPaid]
        );
        assert_eq!(activity_of_update(&paid, OrderStatus::Paid), [ActivityType::OrderUpdated]);
        assert_eq!(activity_of_creation(&order(OrderStatus::Created)), [ActivityType::OrderCreated]);
    }
}
