//! The constraints of a definition: their description in error details, and their check.

use serde_json::{Number, Value};

use super::formats::{is_date, is_date_time, is_geopoint, is_image_url};
use crate::domain::json::javascript;
use crate::domain::metadata_schema::definition::{Definition, MetadataType};

/// Describes all constraints of a definition, in the vendor's order, whether or not a value satisfies them.
pub(super) fn describe(definition: &Definition) -> String {
    let Definition { kind, optional, array, eq, ne, .. } = definition;
    let mut all = Vec::new();
    let required = (!optional).then(|| "property is required".to_owned());
    if *array {
        all.push("must be an array".to_owned());
        all.extend(required);
        all.push(format!("and every element: {}", type_text(*kind)));
    } else {
        all.push(type_text(*kind).to_owned());
        all.extend(required);
    }
    all.extend(lengths(definition).map(|(words, length, _)| format!("must have {words} {length}")));
    all.extend(bounds(definition).map(|(words, bound, _)| {
        let bound = javascript::text(&Value::Number(bound.clone()));
        format!("must be {words} {bound}")
    }));
    for (words, values) in [("must be equal to one of", eq), ("must not be equal to any of", ne)] {
        if let Some(values) = effective_values(*kind, values.as_deref()) {
            let values: Vec<_> = values.iter().map(javascript::text).collect();
            all.push(format!("{words} {}", values.join(",")));
        }
    }
    all.join(", ")
}

fn type_text(kind: MetadataType) -> &'static str {
    match kind {
        MetadataType::String => "must be a string",
        MetadataType::Number => "must be a number",
        MetadataType::Object => "must be an object",
        MetadataType::Date => "must be a date in the YYYY-MM-DD format",
        MetadataType::Datetime => "must be a date and time in the ISO 8601 format",
        MetadataType::Geopoint => "must be a geopoint in the latitude,longitude format",
        MetadataType::Boolean => "must be a boolean",
        MetadataType::ImageUrl => "must be a URL pointing to JPG/JPEG or PNG resource",
    }
}

/// Returns whether one value, or one element of an array, satisfies the definition.
pub(super) fn is_valid(definition: &Definition, value: &Value) -> bool {
    let Definition { kind, eq, ne, .. } = definition;
    let text = value.as_str();
    let is_of_type = match kind {
        MetadataType::String => text.is_some(),
        MetadataType::Number => value.is_number(),
        MetadataType::Object => value.is_object(),
        MetadataType::Date => text.is_some_and(is_date),
        MetadataType::Datetime => text.is_some_and(is_date_time),
        MetadataType::Geopoint => text.is_some_and(is_geopoint),
        MetadataType::Boolean => value.is_boolean(),
        MetadataType::ImageUrl => text.is_some_and(is_image_url),
    };
    let is_listed = |values: &Option<Vec<Value>>| {
        effective_values(*kind, values.as_deref()).map(|values| values.iter().any(|listed| is_equal(listed, value)))
    };
    is_of_type
        && text.is_none_or(|text| {
            let length = text.encode_utf16().count() as u64;
            lengths(definition).all(|(_, limit, holds)| holds(&length, &limit))
        })
        && value.as_f64().is_none_or(|number| {
            bounds(definition).all(|(_, bound, holds)| bound.as_f64().is_none_or(|bound| holds(&number, &bound)))
        })
        && is_listed(eq) != Some(false)
        && is_listed(ne) != Some(true)
}

type Comparison<T> = fn(&T, &T) -> bool;

/// Returns the length constraints of a definition. The vendor supports them only for strings.
fn lengths(definition: &Definition) -> impl Iterator<Item = (&'static str, u64, Comparison<u64>)> {
    let Definition { kind, min_length, max_length, exact_length, .. } = definition;
    let all: [(_, _, Comparison<u64>); 3] = [
        ("minimum length of", *min_length, u64::ge),
        ("maximum length of", *max_length, u64::le),
        ("exact length of", *exact_length, u64::eq),
    ];
    let applies = *kind == MetadataType::String;
    all.into_iter().filter(move |_| applies).filter_map(|(words, length, holds)| Some((words, length?, holds)))
}

/// Returns the bounds of a definition, which apply only to numbers.
fn bounds(definition: &Definition) -> impl Iterator<Item = (&'static str, &Number, Comparison<f64>)> {
    let Definition { kind, lt, lte, gt, gte, .. } = definition;
    let all: [(_, _, Comparison<f64>); 4] = [
        ("less than", lt, f64::lt),
        ("less than or equal to", lte, f64::le),
        ("greater than", gt, f64::gt),
        ("greater than or equal to", gte, f64::ge),
    ];
    let applies = *kind == MetadataType::Number;
    all.into_iter().filter(move |_| applies).filter_map(|(words, bound, holds)| Some((words, bound.as_ref()?, holds)))
}

/// Returns the values of a list of allowed or forbidden values, or `None` if the list has no effect: if it is empty, or
/// the type is an object or boolean.
fn effective_values(kind: MetadataType, values: Option<&[Value]>) -> Option<&[Value]> {
    values.filter(|values| !values.is_empty() && !matches!(kind, MetadataType::Object | MetadataType::Boolean))
}

/// Returns whether two values are equal. Numbers are compared by value, so that `1` equals `1.0`.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}
