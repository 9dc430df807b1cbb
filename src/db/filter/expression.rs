//! Parts of SQL conditions.

use sqlx::{Postgres, QueryBuilder};

use super::source::ValueType;
use crate::domain::filter::{Comparison, FieldKind, Span};
use crate::domain::limits::FILTER_ELEMENTS;

/// Adds `FROM` and `WHERE` that return the values of a metadata key in `column` as `v.value`: the elements of an
/// array, or the value itself, without nulls. Only the first [`FILTER_ELEMENTS`] values are returned.
pub(super) fn push_elements(query: &mut QueryBuilder<Postgres>, column: &'static str, key: &str) {
    query.push("(SELECT element.value #>> '{}' AS value FROM (SELECT ").push(column).push(" -> ");
    query.push_bind(key.to_owned());
    query.push(
        " OFFSET 0) AS held (value), LATERAL json_array_elements(
             CASE WHEN json_typeof(held.value) = 'array' THEN held.value ELSE json_build_array(held.value) END
         ) AS element (value)
         WHERE json_typeof(element.value) <> 'null' LIMIT ",
    );
    query.push(FILTER_ELEMENTS).push(") AS v WHERE true");
}

/// Adds the condition that `column` is in one of `spans`. Up to four are separate conditions, so that an index can be
/// used; more are two arrays, because the number of parameters of a statement is limited.
pub fn push_spans(query: &mut QueryBuilder<Postgres>, column: &str, spans: &[Span]) {
    if spans.len() > 4 {
        let from: Vec<_> = spans.iter().map(|span| span.from).collect();
        let until: Vec<_> = spans.iter().map(|span| span.until).collect();
        query.push("EXISTS (SELECT 1 FROM unnest(").push_bind(from).push("::timestamptz[], ").push_bind(until);
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

/// Adds the value as the text that responses show.
pub(super) fn push_text(query: &mut QueryBuilder<Postgres>, value: &str, value_type: ValueType) {
    match value_type {
        ValueType::Text => query.push("(").push(value),
        ValueType::Number => query.push("(").push(value).push("::text"),
        ValueType::Moment => {
            let format = r#"'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"#;
            query.push("(to_char(").push(value).push(" AT TIME ZONE 'UTC', ").push(format).push(")")
        }
    };
    query.push(" COLLATE \"C\")");
}

/// The part of a text that a condition reads, in characters.
#[derive(Clone, Copy)]
pub(super) enum TextPart {
    First(usize),
    Last(usize),
}

/// Adds the condition that one of `operands`, in the column `operand`, satisfies `condition` for a part of the value as
/// text, in the column `part.text`. The part is computed once for all operands.
pub(super) fn push_any_text(
    query: &mut QueryBuilder<Postgres>,
    value: &str,
    value_type: ValueType,
    part: TextPart,
    operands: &[String],
    condition: &'static str,
) {
    let (function, chars) = match part {
        TextPart::First(chars) => ("left(", chars),
        TextPart::Last(chars) => ("right(", chars),
    };
    query.push("EXISTS (SELECT 1 FROM (SELECT ").push(function);
    push_text(query, value, value_type);
    query.push(", ").push(chars).push(") OFFSET 0) AS part (text), unnest(").push_bind(operands.to_vec());
    query.push(") AS operand WHERE ").push(condition).push(")");
}

/// Adds the value as the number that `domain::filter::Scalar::number` returns.
pub(super) fn push_number(query: &mut QueryBuilder<Postgres>, value: &str, value_type: ValueType) {
    match value_type {
        ValueType::Text => query.push(format_args!(
            "(CASE WHEN {value} ~ '^-?[0-9]{{1,30}}(\\.[0-9]{{1,30}})?([eE][+-]?[0-9]{{1,2}})?$' THEN {value}::float8 END)"
        )),
        ValueType::Number => query.push(value).push("::float8"),
        ValueType::Moment => query.push("NULL::float8"),
    };
}

/// Returns the expression for the time that `domain::filter::Scalar::moment` returns. It may contain fractions of
/// milliseconds, which do not change the result of a condition, because spans begin and end at whole milliseconds.
pub(super) fn moment(value: &str, value_type: ValueType, kind: FieldKind) -> String {
    let moment = match value_type {
        ValueType::Text => format!("parse_iso_timestamp({value})"),
        ValueType::Number => "NULL::timestamptz".to_owned(),
        ValueType::Moment => value.to_owned(),
    };
    if kind == FieldKind::Day { format!("date_trunc('day', {moment}, 'UTC')") } else { moment }
}

/// Adds a condition on the time of a value; `push` adds the condition for the expression that it receives. A text is
/// parsed once, however often the condition contains the expression. A column is used directly, so that its index can
/// be used.
pub(super) fn push_moment_condition(
    query: &mut QueryBuilder<Postgres>,
    value: &str,
    value_type: ValueType,
    kind: FieldKind,
    push: impl FnOnce(&mut QueryBuilder<Postgres>, &str),
) {
    let moment = moment(value, value_type, kind);
    if value_type == ValueType::Moment {
        return push(query, &moment);
    }
    query.push("EXISTS (SELECT 1 FROM (SELECT ").push(moment).push(" OFFSET 0) AS read (moment) WHERE ");
    push(query, "read.moment");
    query.push(")");
}

/// Adds a part of a time, such as its month, as an integer.
pub(super) fn push_part(query: &mut QueryBuilder<Postgres>, part: &str, moment: &str) {
    query.push(format_args!("extract({part} FROM {moment} AT TIME ZONE 'UTC')::int"));
}

/// Returns the SQL operator of a comparison.
pub(super) fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => " = ",
        Comparison::More => " > ",
        Comparison::MoreOrEqual => " >= ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
    }
}
