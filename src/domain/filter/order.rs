//! The fields that orders are filtered by.

use super::Kind;

/// A field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderField {
    Id,
    SourceId,
    CreatedAt,
    UpdatedAt,
    Status,
    /// `amount`, and `total_amount`, which is the same without discounts.
    Amount,
    CustomerId,
    ReferrerId,
    /// A key of the metadata.
    Metadata(String),
    /// A field of the vendor that no order here can have a value of: the discounts.
    Unset,
}

impl OrderField {
    /// The field of that name; `defined` tells the kind of a metadata key that has a definition.
    pub fn parse(name: &str, defined: impl Fn(&str) -> Option<Kind>) -> Option<(Self, Kind)> {
        Some(match name {
            "id" => (Self::Id, Kind::Text),
            "source_id" => (Self::SourceId, Kind::Text),
            "created_at" => (Self::CreatedAt, Kind::Moment),
            "updated_at" => (Self::UpdatedAt, Kind::Moment),
            "status" => (Self::Status, Kind::Text),
            "amount" | "total_amount" => (Self::Amount, Kind::Number),
            "discount_amount" | "items_discount_amount" | "total_discount_amount" => (Self::Unset, Kind::Number),
            "customer_id" => (Self::CustomerId, Kind::Text),
            "referrer_id" => (Self::ReferrerId, Kind::Text),
            _ => {
                let key = name.strip_prefix("metadata.")?;
                (Self::Metadata(key.to_owned()), defined(key).unwrap_or(Kind::Text))
            }
        })
    }
}
