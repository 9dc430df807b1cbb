//! The values of the fields that filters use, in SQL.

use crate::domain::filter::{CustomerField, OrderField, SegmentField, SystemField};
use crate::domain::project::ProjectId;

/// The values of a field in SQL.
pub(super) enum ValueSource<'a> {
    /// An expression without parameters, which is null when there is no value.
    Expression(&'static str, ValueType),
    /// The column of the metadata, or an expression for another JSON object, and a key.
    Metadata(&'static str, &'a str),
    /// The path of a number in the customer's state, and whether a missing number counts as 0.
    State(&'a [String], bool),
    /// The number of the customer's custom events with that name.
    EventCount(&'a str, ProjectId),
}

/// The SQL type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    Number,
    Moment,
}

pub(super) fn customer_source(field: &CustomerField, project: ProjectId) -> ValueSource<'_> {
    use ValueType::{Moment, Number, Text};
    let (expression, value_type) = match field {
        CustomerField::Id => ("c.id", Text),
        CustomerField::SourceId => ("c.source_id", Text),
        CustomerField::Profile("name") => ("c.name", Text),
        CustomerField::Profile("email") => ("c.email", Text),
        CustomerField::Profile("phone") => ("(c.profile ->> 'phone')", Text),
        CustomerField::Profile("description") => ("(c.profile ->> 'description')", Text),
        CustomerField::Profile("birthday") => ("(c.profile ->> 'birthday')", Text),
        CustomerField::Profile(_) => ("(c.profile ->> 'birthdate')", Text),
        CustomerField::Address("city") => ("c.city", Text),
        CustomerField::Address("state") => ("(c.profile -> 'address' ->> 'state')", Text),
        CustomerField::Address("line_1") => ("(c.profile -> 'address' ->> 'line_1')", Text),
        CustomerField::Address("line_2") => ("(c.profile -> 'address' ->> 'line_2')", Text),
        CustomerField::Address("country") => ("(c.profile -> 'address' ->> 'country')", Text),
        CustomerField::Address(_) => ("(c.profile -> 'address' ->> 'postal_code')", Text),
        CustomerField::CreatedAt => ("c.created_at", Moment),
        CustomerField::UpdatedAt => ("c.updated_at", Moment),
        CustomerField::Metadata(key) => return ValueSource::Metadata("c.metadata", key),
        CustomerField::OrdersTotalAmount => ("c.orders_amount", Number),
        CustomerField::OrdersTotalCount => ("c.orders_count", Number),
        CustomerField::OrdersAverageAmount => (
            // This rounds like `OrderSummary::average_amount`.
            "(CASE WHEN c.orders_count = 0 THEN 0
              ELSE floor((2 * c.orders_amount::numeric + c.orders_count) / (2 * c.orders_count)) END::bigint)",
            Number,
        ),
        CustomerField::OrdersLastAmount => ("c.last_order_amount", Number),
        CustomerField::OrdersLastDate => ("c.last_order_at", Moment),
        CustomerField::State { path, defaults_to_zero } => return ValueSource::State(path, *defaults_to_zero),
        CustomerField::System(SystemField::Source) => {
            return ValueSource::Metadata("c.state -> 'system_metadata'", "source");
        }
        CustomerField::System(SystemField::Widgets) => {
            return ValueSource::Metadata("c.state -> 'system_metadata' -> 'web_widget'", "widgets");
        }
        CustomerField::EventCount(name) => return ValueSource::EventCount(name, project),
        CustomerField::Unset => ("NULL::text", Text),
    };
    ValueSource::Expression(expression, value_type)
}

pub(super) fn segment_source(field: &SegmentField) -> ValueSource<'_> {
    match field {
        SegmentField::Id => ValueSource::Expression("segments.id", ValueType::Text),
        SegmentField::Name => ValueSource::Expression("segments.name", ValueType::Text),
        SegmentField::Type => ValueSource::Expression("segments.type", ValueType::Text),
        SegmentField::CreatedAt => ValueSource::Expression("segments.created_at", ValueType::Moment),
    }
}

pub(super) fn order_source(field: &OrderField) -> ValueSource<'_> {
    match field {
        OrderField::Id => ValueSource::Expression("orders.id", ValueType::Text),
        OrderField::SourceId => ValueSource::Expression("orders.source_id", ValueType::Text),
        OrderField::CreatedAt => ValueSource::Expression("orders.created_at", ValueType::Moment),
        OrderField::UpdatedAt => ValueSource::Expression("orders.updated_at", ValueType::Moment),
        OrderField::Status => ValueSource::Expression("orders.status", ValueType::Text),
        OrderField::Amount => ValueSource::Expression("orders.amount", ValueType::Number),
        OrderField::CustomerId => ValueSource::Expression("orders.customer_id", ValueType::Text),
        OrderField::ReferrerId => ValueSource::Expression("orders.referrer_id", ValueType::Text),
        OrderField::Metadata(key) => ValueSource::Metadata("orders.metadata", key),
        OrderField::Unset => ValueSource::Expression("NULL::text", ValueType::Text),
    }
}

/// Returns the column of `customers c` that contains the time of a field and has an index; `None` for other fields.
#[must_use]
pub fn indexed_moment(field: &CustomerField) -> Option<&'static str> {
    match field {
        CustomerField::CreatedAt => Some("c.created_at"),
        // changed_at is updated_at or, before the first update, created_at. A condition on it can match too many
        // customers but never too few.
        CustomerField::UpdatedAt => Some("c.changed_at"),
        CustomerField::OrdersLastDate => Some("c.last_order_at"),
        _ => None,
    }
}
