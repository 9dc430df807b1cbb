//! The fields by which orders are filtered.

use super::kind::FieldKind;

/// A field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderField {
    Id,
    SourceId,
    CreatedAt,
    UpdatedAt,
    Status,
    /// `amount` and `total_amount`, which are equal because discounts are not emulated.
    Amount,
    CustomerId,
    ReferrerId,
    /// A metadata key.
    Metadata(String),
    /// A field of the vendor that has no value in the emulator: the discounts.
    Unset,
}

impl OrderField {
    /// Returns the field with that name and its kind. `metadata_kind` returns the kind of a metadata key that has a
    /// definition.
    pub fn parse(name: &str, metadata_kind: impl Fn(&str) -> Option<FieldKind>) -> Option<(Self, FieldKind)> {
        Some(match name {
            "id" => (Self::Id, FieldKind::Text),
            "source_id" => (Self::SourceId, FieldKind::Text),
            "created_at" => (Self::CreatedAt, FieldKind::Moment),
            "updated_at" => (Self::UpdatedAt, FieldKind::Moment),
            "status" => (Self::Status, FieldKind::Text),
            "amount" | "total_amount" => (Self::Amount, FieldKind::Number),
            "discount_amount" | "items_discount_amount" | "total_discount_amount" => (Self::Unset, FieldKind::Number),
            "customer_id" => (Self::CustomerId, FieldKind::Text),
            "referrer_id" => (Self::ReferrerId, FieldKind::Text),
            _ => {
                let key = name.strip_prefix("metadata.")?;
                (Self::Metadata(key.to_owned()), metadata_kind(key).unwrap_or(FieldKind::Text))
            }
        })
    }
}
