//! The query that computes the times of a field.

use sqlx::{Postgres, QueryBuilder};

use super::expression::{moment, push_elements};
use super::source::{ValueSource, ValueType, customer_source};
use crate::domain::filter::{CustomerField, FieldKind};
use crate::domain::project::ProjectId;

/// Adds `FROM` and `WHERE` that return each time of a field of the customers of a project that are not deleted, `c`, as
/// `stored.moment`.
pub fn push_moments(query: &mut QueryBuilder<Postgres>, project: ProjectId, field: &CustomerField, kind: FieldKind) {
    query.push(" FROM customers c, LATERAL (SELECT DISTINCT ");
    match customer_source(field, project) {
        ValueSource::Metadata(column, key) => {
            query.push(moment("v.value", ValueType::Text, kind)).push(" FROM ");
            push_elements(query, column, key);
        }
        ValueSource::Expression(expression, value_type) => {
            query.push(moment(expression, value_type, kind));
        }
        ValueSource::State(..) | ValueSource::EventCount(..) => {
            query.push("NULL::timestamptz");
        }
    }
    query.push(") AS stored (moment) WHERE stored.moment IS NOT NULL");
    query.push(" AND c.deleted_at IS NULL AND c.project_id = ").push_bind(project.0);
}
