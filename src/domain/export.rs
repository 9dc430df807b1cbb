//! Exports: which columns of which customers or orders are written to a file, and in which order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::customer::{Customer, Searched};
use super::filter::{CustomerField, OrderField};
use super::page::Direction;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportedObject {
    Customer,
    Order,
}

/// Everything that the vendor exports.
pub const VENDORS_OBJECTS: [&str; 10] = [
    "voucher",
    "redemption",
    "customer",
    "publication",
    "order",
    "points_expiration",
    "voucher_transactions",
    "product",
    "sku",
    "api_log",
];

const CUSTOMER_FIELDS: [&str; 30] = [
    "name",
    "id",
    "description",
    "email",
    "source_id",
    "created_at",
    "address_city",
    "address_state",
    "address_line_1",
    "address_line_2",
    "address_country",
    "address_postal_code",
    "redemptions_total_redeemed",
    "redemptions_total_failed",
    "redemptions_total_succeeded",
    "redemptions_total_rolled_back",
    "redemptions_total_rollback_failed",
    "redemptions_total_rollback_succeeded",
    "orders_total_amount",
    "orders_total_count",
    "orders_average_amount",
    "orders_last_order_amount",
    "orders_last_order_date",
    "loyalty_points",
    "loyalty_referred_customers",
    "updated_at",
    "phone",
    "birthday",
    "metadata",
    "birthdate",
];

const ORDER_FIELDS: [&str; 13] = [
    "id",
    "source_id",
    "created_at",
    "updated_at",
    "status",
    "amount",
    "discount_amount",
    "items_discount_amount",
    "total_discount_amount",
    "total_amount",
    "customer_id",
    "referrer_id",
    "metadata",
];

/// How fields of customers are called by filters, where it is not the same.
const CALLED_BY_FILTERS: [(&str, &str); 4] = [
    ("address_", "address."),
    ("redemptions_", "summary.redemptions."),
    ("orders_", "summary.orders."),
    ("loyalty_", "loyalty."),
];

impl ExportedObject {
    /// The vendor's name of the object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Order => "order",
        }
    }

    /// The object of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Order].into_iter().find(|known| known.as_str() == name)
    }

    /// The fields that can be asked for, in the vendor's order; `metadata.<key>` beside them.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &CUSTOMER_FIELDS,
            Self::Order => &ORDER_FIELDS,
        }
    }

    /// The fields of an export that asks for none.
    #[must_use]
    pub fn default_fields(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &["name", "source_id"],
            Self::Order => &["id", "source_id", "status"],
        }
    }

    /// What the rows can be sorted by, in the vendor's order; a dash means descending.
    #[must_use]
    pub fn orders(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[
                "-name",
                "name",
                "-id",
                "id",
                "-email",
                "email",
                "-source_id",
                "source_id",
                "-created_at",
                "created_at",
                "-updated_at",
                "updated_at",
            ],
            Self::Order => &["-created_at", "created_at", "-updated_at", "updated_at", "-status", "status"],
        }
    }
}

/// What an export was asked for, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportRequest {
    pub exported_object: ExportedObject,
    pub parameters: ExportParameters,
}

/// The parameters of an export: what was sent, and the default fields where none were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportParameters {
    /// One of [`ExportedObject::orders`], or empty, which is as good as absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    pub fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Map<String, Value>>,
}

impl ExportParameters {
    /// What the rows are sorted by, and how: newest first where nothing is said.
    #[must_use]
    pub fn sort(&self) -> (ExportKey, Direction) {
        let order = self.order.as_deref().filter(|order| !order.is_empty()).unwrap_or("-created_at");
        order.strip_prefix('-').map_or((ExportKey::parse(order), Direction::Ascending), |name| {
            (ExportKey::parse(name), Direction::Descending)
        })
    }

    /// The filter as JSON; without one, that which everything passes.
    #[must_use]
    pub fn filter(&self) -> Value {
        Value::Object(self.filters.clone().unwrap_or_default())
    }

    /// The columns of an export of customers, for `metadata` one of each of `keys`.
    #[must_use]
    pub fn customer_columns(&self, keys: &[&str]) -> Vec<Column<CustomerField>> {
        self.columns(keys, |name| {
            let called = CALLED_BY_FILTERS.iter().find_map(|(export, filter)| {
                let rest = name.strip_prefix(export)?;
                Some(format!("{filter}{rest}"))
            });
            CustomerField::parse(called.as_deref().unwrap_or(name), |_| None).map(|(field, _)| field)
        })
    }

    /// The columns of an export of orders, for `metadata` one of each of `keys`.
    #[must_use]
    pub fn order_columns(&self, keys: &[&str]) -> Vec<Column<OrderField>> {
        self.columns(keys, |name| OrderField::parse(name, |_| None).map(|(field, _)| field))
    }

    fn columns<F>(&self, keys: &[&str], field: impl Fn(&str) -> Option<F>) -> Vec<Column<F>> {
        let column = |name: &str| Some(Column { title: title(name), field: field(name)? });
        let mut columns = Vec::new();
        for name in &self.fields {
            if name == "metadata" {
                columns.extend(keys.iter().filter_map(|key| column(&format!("metadata.{key}"))));
            } else {
                columns.extend(column(name));
            }
        }
        columns
    }
}

/// A customer of an export, of whom only what the columns show is there; and the id.
#[derive(Clone, Debug)]
pub struct ExportedCustomer {
    pub customer: Customer,
    /// What is shown of these, which is not looked for in the profile.
    pub searched: Searched,
}

/// What the rows of an export can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKey {
    Name,
    Id,
    Email,
    SourceId,
    CreatedAt,
    UpdatedAt,
    Status,
}

impl ExportKey {
    fn parse(name: &str) -> Self {
        match name {
            "name" => Self::Name,
            "id" => Self::Id,
            "email" => Self::Email,
            "source_id" => Self::SourceId,
            "updated_at" => Self::UpdatedAt,
            "status" => Self::Status,
            _ => Self::CreatedAt,
        }
    }
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<F> {
    /// What stands above it.
    pub title: String,
    pub field: F,
}

/// The title of a field: its words, as the vendor writes those of vouchers (`ID`, `Voucher Type`); of metadata, the key.
fn title(name: &str) -> String {
    if let Some(key) = name.strip_prefix("metadata.") {
        return key.to_owned();
    }
    let words: Vec<_> = name
        .split('_')
        .map(|word| match word.split_at_checked(1) {
            Some(_) if word == "id" => "ID".to_owned(),
            Some((first, rest)) => first.to_uppercase() + rest,
            None => String::new(),
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(object: ExportedObject) -> ExportParameters {
        let fields = object.fields().iter().map(|&field| field.to_owned()).collect();
        ExportParameters { order: None, fields, filters: None }
    }

    #[test]
    fn every_field_has_a_column() {
        let columns = parameters(ExportedObject::Customer).customer_columns(&["a", "b"]);
        assert_eq!(columns.len(), CUSTOMER_FIELDS.len() + 1);
        assert!(columns.iter().all(|column| column.field != CustomerField::Unset));
        assert_eq!(parameters(ExportedObject::Order).order_columns(&[]).len(), ORDER_FIELDS.len() - 1);
    }

    #[test]
    fn titles_are_the_words_of_the_name() {
        for (name, expected) in [
            ("id", "ID"),
            ("voucher_type", "Voucher Type"),
            ("source_id", "Source ID"),
            ("address_line_1", "Address Line 1"),
            ("metadata.some_id", "some_id"),
        ] {
            assert_eq!(title(name), expected);
        }
    }

    #[test]
    fn rows_come_newest_first_unless_something_else_is_said() {
        let sorted = |order: Option<&str>| {
            let parameters =
                ExportParameters { order: order.map(str::to_owned), ..parameters(ExportedObject::Customer) };
            parameters.sort()
        };
        assert_eq!(sorted(None), (ExportKey::CreatedAt, Direction::Descending));
        assert_eq!(sorted(Some("")), sorted(None));
        assert_eq!(sorted(Some("-name")), (ExportKey::Name, Direction::Descending));
        assert_eq!(sorted(Some("created_at")), (ExportKey::CreatedAt, Direction::Ascending));
    }
}
