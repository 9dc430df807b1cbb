//! Exports: the exported objects, the columns of the file, and the order of its rows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::customer::{Customer, IndexedFields};
use super::filter::{CustomerField, OrderField};
use super::page::Direction;

/// The kind of object that an export contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportedObject {
    Customer,
    Order,
}

/// All object names that the vendor accepts for exports.
pub const VENDOR_EXPORTED_OBJECTS: [&str; 10] = [
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

/// The prefixes of customer fields whose names differ between exports and filters, as pairs of export and filter
/// prefix.
const FILTER_PREFIXES: [(&str, &str); 4] = [
    ("address_", "address."),
    ("redemptions_", "summary.redemptions."),
    ("orders_", "summary.orders."),
    ("loyalty_", "loyalty."),
];

impl ExportedObject {
    /// Returns the vendor's name of the object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Order => "order",
        }
    }

    /// Returns the object with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Order].into_iter().find(|known| known.as_str() == name)
    }

    /// Returns the fields that can be exported, in the vendor's order. `metadata.<key>` can be exported as well.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &CUSTOMER_FIELDS,
            Self::Order => &ORDER_FIELDS,
        }
    }

    /// Returns the fields of an export request that does not contain fields.
    #[must_use]
    pub fn default_fields(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &["name", "source_id"],
            Self::Order => &["id", "source_id", "status"],
        }
    }

    /// Returns the sort keys of the rows, in the vendor's order. A dash means descending.
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

/// The request of an export, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportRequest {
    pub exported_object: ExportedObject,
    pub parameters: ExportParameters,
}

/// The parameters of an export, as sent, or with the default fields if none were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportParameters {
    /// One of [`ExportedObject::orders`]. An empty text means the same as an absent member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    pub fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Map<String, Value>>,
}

impl ExportParameters {
    /// Returns the sort key and direction of the rows. The default is newest first.
    #[must_use]
    pub fn sort(&self) -> (ExportKey, Direction) {
        let order = self.order.as_deref().filter(|order| !order.is_empty()).unwrap_or("-created_at");
        order.strip_prefix('-').map_or((ExportKey::parse(order), Direction::Ascending), |name| {
            (ExportKey::parse(name), Direction::Descending)
        })
    }

    /// Returns the filter as JSON. The default is the empty filter, which every object matches.
    #[must_use]
    pub fn filter(&self) -> Value {
        Value::Object(self.filters.clone().unwrap_or_default())
    }

    /// Returns the columns of an export of customers. The field `metadata` becomes one column for each of `keys`.
    #[must_use]
    pub fn customer_columns(&self, keys: &[&str]) -> Vec<Column<CustomerField>> {
        self.columns(keys, |name| {
            let filter_name = FILTER_PREFIXES.iter().find_map(|(export, filter)| {
                let rest = name.strip_prefix(export)?;
                Some(format!("{filter}{rest}"))
            });
            CustomerField::parse(filter_name.as_deref().unwrap_or(name), |_| None).map(|(field, _)| field)
        })
    }

    /// Returns the columns of an export of orders. The field `metadata` becomes one column for each of `keys`.
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

/// A customer in an export. Only the id and the data shown in the columns is loaded.
#[derive(Clone, Debug)]
pub struct ExportedCustomer {
    pub customer: Customer,
    /// Name, email and city, loaded from their own columns instead of the profile.
    pub indexed_fields: IndexedFields,
}

/// The key by which the rows of an export are sorted.
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

/// A column of the exported file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<F> {
    /// The header of the column.
    pub title: String,
    pub field: F,
}

/// Returns the column title of a field: its words in the style of the vendor's voucher exports (`ID`, `Voucher Type`),
/// or the key of a metadata field.
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
    fn titles_are_the_capitalized_words_of_the_name() {
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
    fn rows_are_sorted_newest_first_by_default() {
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
