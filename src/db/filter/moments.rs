//! The query that computes the times of a field.

use sqlx::{Postgres, QueryBuilder};

use super::expression::{moment, push_elements};
use super::source::{ValueSource, ValueType, customer_source};
use crate::domain::filter::{CustomerField, FieldKind};

/// Adds `FROM` and `WHERE` that return each time of a field of the rows of `customers c` as `stored.moment`.
/// `push_condition` adds the condition that selects the rows.
pub fn push_moments(
    query: &mut QueryBuilder<Postgres>,
    field: &CustomerField,
    kind: FieldKind,
    push_condition: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    query.push(" FROM customers c, LATERAL (SELECT DISTINCT ");
    match customer_source(field) {
        ValueSource::Metadata(column, key) => {
            query.push(moment("v.value", ValueType::Text, kind)).push(" FROM ");
            push_elements(query, column, key);
        }
        ValueSource::Expression(expression, value_type) => {
            query.push(moment(expression, value_type, kind));
        }
        ValueSource::State(..) | ValueSource::EventCount(_) => {
            query.push("NULL::timestamptz");
        }
    }
    query.push(") AS stored (moment) WHERE stored.moment IS NOT NULL");
    push_condition(query);
}
