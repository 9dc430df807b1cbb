//! The vendor's filter language: `{"junction": "and", "<field>": {"conditions": {"<operator>": [values]}}}`.
//!
//! [`parse`](Filter::parse) reads it into types, once. From the typed filter there are two readings, which must never
//! disagree: [`Filter::holds`], over the values of one object in memory, and the SQL condition of `db::filter`. A property
//! test holds them together. What depends on the time is turned into fixed spans of time and days of the year first
//! ([`When::span`], [`Anniversary::days_of`]), by the same code for both.
//!
//! A field has values: none when it is unset or `null`, one, or for an array in metadata one for each element. A test
//! passes when any of the values passes it; the negative operators (`$is_not`, `$not_in`, `$not_contain`, `$is_unknown`)
//! are the exact opposite of the positive ones.

mod customer;
mod operator;
mod order;
mod parse;
mod scalar;
mod segment;
mod test;
mod when;

use chrono::{DateTime, Utc};

pub use customer::{CustomerField, Subject};
pub use operator::OPERATORS;
pub use order::OrderField;
pub use parse::FilterError;
pub use scalar::Scalar;
pub use segment::SegmentField;
pub use test::{Comparison, DatePart, Test};
pub use when::{Anniversary, Span, When};

/// How the fields of a filter are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junction {
    And,
    Or,
}

/// What the values of a field are, which decides how operators read them and their operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Also metadata without a definition, which the vendor compares as text only.
    Text,
    Number,
    /// A moment, at the precision of a millisecond.
    Moment,
    /// A day in UTC; a time of day beside it does not count.
    Day,
}

/// Conditions on the fields `F` of an object. Without any it is passed by every object.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter<F> {
    pub junction: Junction,
    pub fields: Vec<FieldFilter<F>>,
}

/// Conditions on one field, all of which must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldFilter<F> {
    pub field: F,
    pub kind: Kind,
    pub conditions: Vec<Condition>,
}

/// One operator with its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub test: Test,
    /// Whether the test must fail instead.
    pub negated: bool,
}

/// Values of a field for which the time makes a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Those in one of these spans.
    Spans(Vec<Span>),
    /// Those on one of these days of the year, each as `month * 100 + day`.
    MonthDays(Vec<i32>),
}

impl<F> Filter<F> {
    /// Whether an object passes at `now`, of which `values` tells the values of a field.
    pub fn holds<'a>(&self, now: DateTime<Utc>, mut values: impl FnMut(&F) -> Vec<Scalar<'a>>) -> bool {
        let mut passes = |tested: &FieldFilter<F>| {
            let values = values(&tested.field);
            tested
                .conditions
                .iter()
                .all(|condition| condition.test.passes(&values, tested.kind, now) != condition.negated)
        };
        match self.junction {
            Junction::And => self.fields.iter().all(passes),
            Junction::Or => self.fields.is_empty() || self.fields.iter().any(&mut passes),
        }
    }

    /// The fields by which the mere passing of time can change who passes.
    pub fn timed(&self) -> impl Iterator<Item = (&F, Kind)> {
        self.fields.iter().filter_map(|tested| {
            let is_timed = tested.conditions.iter().any(|condition| condition.test.depends_on_time());
            is_timed.then_some((&tested.field, tested.kind))
        })
    }

    /// Whether the mere passing of time can change who passes.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.timed().next().is_some()
    }

    /// What the passing of the time from `then` to `now` may have changed, for objects that were looked at no earlier than
    /// `then` and did not change since: the fields, each with the values that passed at one moment and not at another.
    /// `is_past` tells the fields whose values are never ahead of the moment at which they are written.
    #[must_use]
    pub fn turned(&self, then: DateTime<Utc>, now: DateTime<Utc>, is_past: impl Fn(&F) -> bool) -> Vec<(&F, Turned)> {
        let mut turned = Vec::new();
        for FieldFilter { field, kind, conditions } in &self.fields {
            for Condition { test, .. } in conditions {
                match test {
                    Test::During(whens) => {
                        let spans: Vec<_> = whens
                            .iter()
                            .flat_map(|when| when.swept(*kind, then, now, then <= now && is_past(field)))
                            .collect();
                        if !spans.is_empty() {
                            turned.push((field, Turned::Spans(spans)));
                        }
                    }
                    Test::Anniversary(anniversaries) => {
                        let days = Anniversary::turned(anniversaries, then, now);
                        if !days.is_empty() {
                            turned.push((field, Turned::MonthDays(days)));
                        }
                    }
                    _ => {}
                }
            }
        }
        turned
    }
}
