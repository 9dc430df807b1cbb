//! The SQL reading of filters: the same as [`Filter::holds`], as a condition on rows.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use crate::domain::filter::{
    Anniversary, Comparison, CustomerField, DatePart, FieldFilter, Filter, Junction, Kind, OrderField, SegmentField,
    Span, Test,
};
use crate::domain::limits::FILTER_ELEMENTS;

/// What the values of a field are in SQL.
enum Source<'a> {
    /// An expression without parameters, null where there is no value.
    Plain(&'static str, Shape),
    /// A key of the metadata, which is the column.
    Metadata(&'static str, &'a str),
    /// A number in the customer's state.
    State(&'a [String], bool),
    /// A number of custom events.
    EventCount(&'a str),
}

/// The SQL type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Moment,
}

/// Adds the condition, in parentheses, that a row of `customers c` passes `filter` at `now`; null may stand for false.
pub fn push_customer_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter<CustomerField>, now: DateTime<Utc>) {
    push_filter(query, filter, now, customer_source);
}

/// Adds the condition, in parentheses, that a row of `segments` passes `filter` at `now`; null may stand for false.
pub fn push_segment_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter<SegmentField>, now: DateTime<Utc>) {
    push_filter(query, filter, now, |field| match field {
        SegmentField::Id => Source::Plain("segments.id", Shape::Text),
        SegmentField::Name => Source::Plain("segments.name", Shape::Text),
        SegmentField::Type => Source::Plain("segments.type", Shape::Text),
        SegmentField::CreatedAt => Source::Plain("segments.created_at", Shape::Moment),
    });
}

/// Adds the condition, in parentheses, that a row of `orders` passes `filter` at `now`; null may stand for false.
pub fn push_order_filter(query: &mut QueryBuilder<Postgres>, filter: &Filter<OrderField>, now: DateTime<Utc>) {
    push_filter(query, filter, now, |field| match field {
        OrderField::Id => Source::Plain("orders.id", Shape::Text),
        OrderField::SourceId => Source::Plain("orders.source_id", Shape::Text),
        OrderField::CreatedAt => Source::Plain("orders.created_at", Shape::Moment),
        OrderField::UpdatedAt => Source::Plain("orders.updated_at", Shape::Moment),
        OrderField::Status => Source::Plain("orders.status", Shape::Text),
        OrderField::Amount => Source::Plain("orders.amount", Shape::Number),
        OrderField::CustomerId => Source::Plain("orders.customer_id", Shape::Text),
        OrderField::ReferrerId => Source::Plain("orders.referrer_id", Shape::Text),
        OrderField::Metadata(key) => Source::Metadata("orders.metadata", key),
        OrderField::Unset => Source::Plain("NULL::text", Shape::Text),
    });
}

/// The column of `customers c`, with an index, that holds the moment of a field; `None` for other fields.
#[must_use]
pub fn indexed_moment(field: &CustomerField) -> Option<&'static str> {
    match field {
        CustomerField::CreatedAt => Some("c.created_at"),
        // Which is updated_at, or earlier than any that there will be.
        CustomerField::UpdatedAt => Some("c.changed_at"),
        CustomerField::OrdersLastDate => Some("c.last_order_at"),
        _ => None,
    }
}

/// Adds the condition that `column` is in one of `spans`: a few one by one, so that an index serves, and many as two arrays, since
/// a statement takes only so many parameters.
pub fn push_spans(query: &mut QueryBuilder<Postgres>, column: &str, spans: &[Span]) {
    if spans.len() > 4 {
        let from: Vec<_> = spans.iter().map(|span| span.from).collect();
        let until: Vec<_> = spans.iter().map(|span| span.until).collect();
        query.push("EXISTS (SELECT FROM unnest(").push_bind(from).push("::timestamptz[], ").push_bind(until);
        query.push("::timestamptz[]) AS span (start, stop) WHERE (span.start IS NULL OR ").push(column);
        query.push(" >= span.start) AND (span.stop IS NULL OR ").push(column).push(" < span.stop))");
        return;
    }
    query.push("(false");
    for span in spans {
        query.push(" OR true");
        if let Some(from) = span.from {
            query.push(" AND ").push(column).push(" >= ").push_bind(from);
        }
        if let Some(until) = span.until {
            query.push(" AND ").push(column).push(" < ").push_bind(until);
        }
    }
    query.push(")");
}

/// Adds `FROM` and `WHERE` that give each moment of a field of every row of `customers c` as `stored.moment`; what `and` adds
/// chooses the rows.
pub fn push_moments(
    query: &mut QueryBuilder<Postgres>,
    field: &CustomerField,
    kind: Kind,
    and: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    query.push(" FROM customers c, LATERAL (SELECT DISTINCT ");
    match customer_source(field) {
        Source::Metadata(column, key) => {
            query.push(moment("v.value", Shape::Text, kind)).push(" FROM ");
            push_elements(query, column, key);
        }
        Source::Plain(expression, shape) => {
            query.push(moment(expression, shape, kind));
        }
        Source::State(..) | Source::EventCount(_) => {
            query.push("NULL::timestamptz");
        }
    }
    query.push(") AS stored (moment) WHERE stored.moment IS NOT NULL");
    and(query);
}

/// Adds `FROM` and `WHERE` that give each value under a key of the metadata in `column` as `v.value`: an array stands for its
/// elements, anything else for itself, null for nothing. Of very many elements the first ones count.
fn push_elements(query: &mut QueryBuilder<Postgres>, column: &'static str, key: &str) {
    query.push("(SELECT element.value #>> '{}' AS value FROM (SELECT ").push(column).push(" -> ");
    query.push_bind(key.to_owned());
    query.push(
        " OFFSET 0) AS held (value), LATERAL json_array_elements(
             CASE json_typeof(held.value) WHEN 'array' THEN held.value ELSE json_build_array(held.value) END
         ) AS element (value)
         WHERE json_typeof(element.value) <> 'null' LIMIT ",
    );
    query.push(FILTER_ELEMENTS).push(") AS v WHERE true");
}

fn customer_source(field: &CustomerField) -> Source<'_> {
    use Shape::{Moment, Number, Text};
    let (expression, shape) = match field {
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
        CustomerField::Metadata(key) => return Source::Metadata("c.metadata", key),
        CustomerField::OrdersTotalAmount => ("c.orders_amount", Number),
        CustomerField::OrdersTotalCount => ("c.orders_count", Number),
        CustomerField::OrdersAverageAmount => (
            // As `OrderSummary::average_amount` rounds.
            "(CASE c.orders_count WHEN 0 THEN 0
              ELSE floor((2 * c.orders_amount::numeric + c.orders_count) / (2 * c.orders_count)) END::bigint)",
            Number,
        ),
        CustomerField::OrdersLastAmount => ("c.last_order_amount", Number),
        CustomerField::OrdersLastDate => ("c.last_order_at", Moment),
        CustomerField::State { path, or_zero } => return Source::State(path, *or_zero),
        CustomerField::EventCount(name) => return Source::EventCount(name),
        CustomerField::Unset => ("NULL::text", Text),
    };
    Source::Plain(expression, shape)
}

fn push_filter<F>(
    query: &mut QueryBuilder<Postgres>,
    filter: &Filter<F>,
    now: DateTime<Utc>,
    source: impl Fn(&F) -> Source<'_>,
) {
    let (neutral, joint) = match filter.junction {
        Junction::Or if !filter.fields.is_empty() => ("(false", " OR "),
        Junction::And | Junction::Or => ("(true", " AND "),
    };
    query.push(neutral);
    for FieldFilter { field, kind, conditions } in &filter.fields {
        query.push(joint).push("(true");
        for condition in conditions {
            // A null is no reason to pass. Elsewhere it does as well as false, and leaves indexes usable.
            query.push(if condition.negated { " AND NOT coalesce(" } else { " AND " });
            push_condition(query, &source(field), *kind, &condition.test, now);
            query.push(if condition.negated { ", false)" } else { "" });
        }
        query.push(")");
    }
    query.push(")");
}

/// Adds whether one of the values passes `test`; null may stand for false.
fn push_condition(
    query: &mut QueryBuilder<Postgres>,
    source: &Source<'_>,
    kind: Kind,
    test: &Test,
    now: DateTime<Utc>,
) {
    match *source {
        Source::Plain(expression, shape) => {
            query.push("(");
            push_test(query, expression, shape, kind, test, now);
            query.push(")");
        }
        Source::Metadata(column, key) => {
            if let Test::Count(comparison, counts) = test {
                query.push("((SELECT count(*) FROM ");
                push_elements(query, column, key);
                query.push(")").push(operator(*comparison)).push("ANY(").push_bind(counts.clone()).push("))");
            } else {
                query.push("EXISTS (SELECT FROM ");
                push_elements(query, column, key);
                query.push(" AND ");
                push_test(query, "v.value", Shape::Text, kind, test, now);
                query.push(")");
            }
        }
        Source::State(path, or_zero) => {
            query.push("(SELECT ");
            push_test(query, "v.value", Shape::Number, kind, test, now);
            query.push(" FROM (SELECT coalesce((c.state #>> ").push_bind(path.to_vec());
            query.push(if or_zero { ")::bigint, 0)" } else { ")::bigint, NULL)" });
            query.push(" OFFSET 0) AS v (value))");
        }
        Source::EventCount(name) => {
            query.push("(SELECT ");
            push_test(query, "v.value", Shape::Number, kind, test, now);
            query.push(
                " FROM (SELECT coalesce((SELECT counted.count FROM customer_event_counts counted
                   WHERE counted.project_id = c.project_id AND counted.customer_id = c.id AND counted.type = ",
            );
            query.push_bind(name.to_owned()).push("), 0) OFFSET 0) AS v (value))");
        }
    }
}

/// Adds whether `value` passes `test`; may be null, where `value` is.
fn push_test(
    query: &mut QueryBuilder<Postgres>,
    value: &'static str,
    shape: Shape,
    kind: Kind,
    test: &Test,
    now: DateTime<Utc>,
) {
    match test {
        Test::Present => {
            query.push(value).push(" IS NOT NULL");
        }
        Test::Text(comparison, operands) => {
            push_text(query, value, shape);
            query.push(operator(*comparison)).push("ANY(").push_bind(operands.clone()).push(")");
        }
        Test::Contains(operands) => push_any_text(query, operands, |query| {
            query.push("strpos(");
            push_text(query, value, shape);
            query.push(", operand) > 0");
        }),
        Test::StartsWith(operands) => push_any_text(query, operands, |query| {
            query.push("starts_with(");
            push_text(query, value, shape);
            query.push(", operand)");
        }),
        Test::EndsWith(operands) => push_any_text(query, operands, |query| {
            query.push("right(");
            push_text(query, value, shape);
            query.push(", length(operand)) = operand");
        }),
        Test::Number(comparison, operands) => {
            push_number(query, value, shape);
            query.push(operator(*comparison)).push("ANY(").push_bind(operands.clone()).push(")");
        }
        Test::Count(comparison, counts) => {
            query.push("(CASE WHEN ").push(value).push(" IS NULL THEN 0 ELSE 1 END)::bigint");
            query.push(operator(*comparison)).push("ANY(").push_bind(counts.clone()).push(")");
        }
        Test::During(whens) => {
            let spans: Vec<_> = whens.iter().map(|when| when.span(kind, now)).collect();
            push_once(query, value, shape, kind, |query, moment| push_spans(query, moment, &spans));
        }
        Test::Part(part, operands) => {
            let part = match part {
                DatePart::DayOfMonth => "day",
                DatePart::DayOfWeek => "isodow",
                DatePart::Month => "month",
                DatePart::Year => "year",
            };
            push_part(query, part, &moment(value, shape, kind));
            query.push(" = ANY(").push_bind(operands.clone()).push(")");
        }
        Test::Anniversary(anniversaries) => {
            let days = Anniversary::days_of(anniversaries, now);
            push_once(query, value, shape, kind, |query, moment| {
                push_part(query, "month", moment);
                query.push(" * 100 + ");
                push_part(query, "day", moment);
                query.push(" = ANY(").push_bind(days).push(")");
            });
        }
        Test::Never => {
            query.push("false");
        }
    }
}

/// The value as answers show it.
fn push_text(query: &mut QueryBuilder<Postgres>, value: &str, shape: Shape) {
    match shape {
        Shape::Text => query.push("(").push(value),
        Shape::Number => query.push("(").push(value).push("::text"),
        Shape::Moment => {
            let form = r#"'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"#;
            query.push("(to_char(").push(value).push(" AT TIME ZONE 'UTC', ").push(form).push(")")
        }
    };
    query.push(" COLLATE \"C\")");
}

fn push_any_text(
    query: &mut QueryBuilder<Postgres>,
    operands: &[String],
    fits: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    query.push("EXISTS (SELECT FROM unnest(").push_bind(operands.to_vec()).push(") AS operand WHERE ");
    fits(query);
    query.push(")");
}

/// The value as `domain::filter::Scalar::number` reads it.
fn push_number(query: &mut QueryBuilder<Postgres>, value: &str, shape: Shape) {
    match shape {
        Shape::Text => query.push(format_args!(
            "(CASE WHEN {value} ~ '^-?[0-9]{{1,30}}(\\.[0-9]{{1,30}})?([eE][+-]?[0-9]{{1,2}})?$' THEN {value}::float8 END)"
        )),
        Shape::Number => query.push(value).push("::float8"),
        Shape::Moment => query.push("NULL::float8"),
    };
}

/// The value as `domain::filter::Scalar::moment` reads it. Spans begin and end with a millisecond, so a moment is not cut.
fn moment(value: &str, shape: Shape, kind: Kind) -> String {
    let moment = match shape {
        Shape::Text => format!("filter_moment({value})"),
        Shape::Number => "NULL::timestamptz".to_owned(),
        Shape::Moment => value.to_owned(),
    };
    if kind == Kind::Day { format!("date_trunc('day', {moment}, 'UTC')") } else { moment }
}

/// Adds a condition on the moment of a value that `push` writes, so that the moment is read out of text once however often the
/// condition names it. A column stands in it as it is, for its index.
fn push_once(
    query: &mut QueryBuilder<Postgres>,
    value: &str,
    shape: Shape,
    kind: Kind,
    push: impl FnOnce(&mut QueryBuilder<Postgres>, &str),
) {
    let moment = moment(value, shape, kind);
    if shape == Shape::Moment {
        return push(query, &moment);
    }
    query.push("EXISTS (SELECT FROM (SELECT ").push(moment).push(" OFFSET 0) AS read (moment) WHERE ");
    push(query, "read.moment");
    query.push(")");
}

fn push_part(query: &mut QueryBuilder<Postgres>, part: &str, moment: &str) {
    query.push(format_args!("extract({part} FROM {moment} AT TIME ZONE 'UTC')::int"));
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => " = ",
        Comparison::More => " > ",
        Comparison::MoreOrEqual => " >= ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
    }
}
