//! The condition that a row matches a filter.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::expression::{
    TextPart, moment, operator, push_any_text, push_elements, push_moment_condition, push_number, push_part,
    push_spans, push_text,
};
use super::source::{ValueSource, ValueType, customer_source, order_source, segment_source};
use crate::domain::filter::{
    Anniversary, CustomerField, DatePart, FieldFilter, FieldKind, Filter, Junction, OrderField, Predicate, SegmentField,
};
use crate::domain::limits::{FILTER_TEXT_CHARS, TEXT_CHARS};
use crate::domain::project::ProjectId;

/// Adds the condition, in parentheses, that a row of `customers c` of the project matches `filter` at `now`. It may be null
/// instead of false.
pub fn push_customer_filter(
    query: &mut QueryBuilder<Postgres>,
    project: ProjectId,
    filter: &Filter<CustomerField>,
    now: DateTime<Utc>,
) {
    push_filter(query, filter, now, |field| customer_source(field, project));
}

/// Adds the condition, in parentheses, that a row of `segments` matches `filter` at `now`. It may be null instead of
/// false.
pub fn push_segment_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter<SegmentField>, now: DateTime<Utc>) {
    push_filter(query, filter, now, segment_source);
}

/// Adds the condition, in parentheses, that a row of `orders` matches `filter` at `now`. It may be null instead of
/// false.
pub fn push_order_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter<OrderField>, now: DateTime<Utc>) {
    push_filter(query, filter, now, order_source);
}

fn push_filter<F>(
    query: &mut QueryBuilder<Postgres>,
    filter: &Filter<F>,
    now: DateTime<Utc>,
    source: impl Fn(&F) -> ValueSource<'_>,
) {
    let (neutral, separator) = match filter.junction {
        Junction::Or if !filter.fields.is_empty() => ("(false", " OR "),
        Junction::And | Junction::Or => ("(true", " AND "),
    };
    query.push(neutral);
    for FieldFilter { field, kind, conditions } in &filter.fields {
        query.push(separator).push("(true");
        for condition in conditions {
            // Under a negation, null must count as false. Elsewhere null has the same effect as false, and without
            // `coalesce` an index can be used.
            query.push(if condition.is_negated { " AND NOT coalesce(" } else { " AND " });
            push_condition(query, &source(field), *kind, &condition.predicate, now);
            query.push(if condition.is_negated { ", false)" } else { "" });
        }
        query.push(")");
    }
    query.push(")");
}

/// Adds the condition that one of the values matches `predicate`. It may be null instead of false.
fn push_condition(
    query: &mut QueryBuilder<Postgres>,
    source: &ValueSource<'_>,
    kind: FieldKind,
    predicate: &Predicate,
    now: DateTime<Utc>,
) {
    match *source {
        ValueSource::Expression(expression, value_type) => {
            query.push("(");
            push_predicate(query, expression, value_type, kind, predicate, now);
            query.push(")");
        }
        ValueSource::Metadata(column, key) => {
            if let Predicate::Count(comparison, counts) = predicate {
                query.push("((SELECT count(*) FROM ");
                push_elements(query, column, key);
                query.push(")").push(operator(*comparison)).push("ANY(").push_bind(counts.clone()).push("))");
            } else {
                query.push("EXISTS (SELECT 1 FROM ");
                push_elements(query, column, key);
                query.push(" AND ");
                push_predicate(query, "v.value", ValueType::Text, kind, predicate, now);
                query.push(")");
            }
        }
        ValueSource::State(path, defaults_to_zero) => {
            query.push("(SELECT ");
            push_predicate(query, "v.value", ValueType::Number, kind, predicate, now);
            query.push(" FROM (SELECT coalesce((c.state #>> ").push_bind(path.to_vec());
            query.push(if defaults_to_zero { ")::bigint, 0)" } else { ")::bigint, NULL)" });
            query.push(" OFFSET 0) AS v (value))");
        }
        ValueSource::EventCount(name, project) => {
            query.push("(SELECT ");
            push_predicate(query, "v.value", ValueType::Number, kind, predicate, now);
            query.push(
                " FROM (SELECT coalesce((SELECT counted.count FROM customer_event_counts counted
                   WHERE counted.customer_id = c.id AND counted.project_id = ",
            );
            query
                .push_bind(project.0)
                .push(" AND counted.type = ")
                .push_bind(name.to_owned())
                .push("), 0) OFFSET 0) AS v (value))");
        }
    }
}

/// Adds the condition that `value` matches `predicate`. It may be null when `value` is null.
fn push_predicate(
    query: &mut QueryBuilder<Postgres>,
    value: &'static str,
    value_type: ValueType,
    kind: FieldKind,
    predicate: &Predicate,
    now: DateTime<Utc>,
) {
    match predicate {
        Predicate::HasValue => {
            query.push(value).push(" IS NOT NULL");
        }
        Predicate::Text(comparison, operands) => {
            push_text(query, value, value_type);
            query.push(operator(*comparison)).push("ANY(").push_bind(operands.as_slice().to_vec()).push(")");
        }
        // Cut the text once, because a statement with many operands would otherwise read all of a long text for each.
        Predicate::Contains(operands) => {
            let part = TextPart::First(FILTER_TEXT_CHARS);
            push_any_text(
                query,
                value,
                value_type,
                part,
                operands.as_slice(),
                "strpos((part.text COLLATE \"C\"), operand) > 0",
            );
        }
        Predicate::StartsWith(operands) => {
            let part = TextPart::First(TEXT_CHARS);
            push_any_text(
                query,
                value,
                value_type,
                part,
                operands.as_slice(),
                "starts_with((part.text COLLATE \"C\"), operand)",
            );
        }
        Predicate::EndsWith(operands) => {
            let (part, condition) =
                (TextPart::Last(TEXT_CHARS), "right((part.text COLLATE \"C\"), length(operand)) = operand");
            push_any_text(query, value, value_type, part, operands.as_slice(), condition);
        }
        Predicate::Number(comparison, operands) => {
            push_number(query, value, value_type);
            query.push(operator(*comparison)).push("ANY(").push_bind(operands.clone()).push(")");
        }
        Predicate::Count(comparison, counts) => {
            query.push("(CASE WHEN ").push(value).push(" IS NULL THEN 0 ELSE 1 END)::bigint");
            query.push(operator(*comparison)).push("ANY(").push_bind(counts.clone()).push(")");
        }
        Predicate::During(whens) => {
            let spans: Vec<_> = whens.iter().map(|when| when.span_at(kind, now)).collect();
            push_moment_condition(query, value, value_type, kind, |query, moment| push_spans(query, moment, &spans));
        }
        Predicate::DatePart(part, operands) => {
            let part = match part {
                DatePart::DayOfMonth => "day",
                DatePart::DayOfWeek => "isodow",
                DatePart::Month => "month",
                DatePart::Year => "year",
            };
            push_part(query, part, &moment(value, value_type, kind));
            query.push(" = ANY(").push_bind(operands.clone()).push(")");
        }
        Predicate::Anniversary(anniversaries) => {
            let days = Anniversary::month_days_at(anniversaries, now);
            push_moment_condition(query, value, value_type, kind, |query, moment| {
                push_part(query, "month", moment);
                query.push(" * 100 + ");
                push_part(query, "day", moment);
                query.push(" = ANY(").push_bind(days).push(")");
            });
        }
        Predicate::Never => {
            query.push("false");
        }
    }
}
