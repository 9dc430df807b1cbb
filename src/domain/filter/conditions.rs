//! The typed filter, and its evaluation in memory.

use chrono::{DateTime, Utc};

use super::anniversary::Anniversary;
use super::kind::FieldKind;
use super::predicate::Predicate;
use super::scalar::Scalar;
use super::time_condition::Span;

/// How the conditions on different fields are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junction {
    And,
    Or,
}

/// Conditions on the fields `F` of an object. Every object matches a filter without conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter<F> {
    pub junction: Junction,
    pub fields: Vec<FieldFilter<F>>,
}

/// Conditions on one field, all of which must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldFilter<F> {
    pub field: F,
    pub kind: FieldKind,
    pub conditions: Vec<Condition>,
}

/// One operator with its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub predicate: Predicate,
    /// Whether the condition holds when the predicate does not.
    pub is_negated: bool,
}

/// The values of a field for which the result of a condition may have changed over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedValues {
    /// The values in one of these spans.
    Spans(Vec<Span>),
    /// The values on one of these days of the year, each as `month * 100 + day`.
    MonthDays(Vec<i32>),
}

impl<F> Filter<F> {
    /// Returns whether an object matches the filter at `now`. `values_of` returns the values of a field of the object.
    pub fn matches<'a>(&self, now: DateTime<Utc>, mut values_of: impl FnMut(&F) -> Vec<Scalar<'a>>) -> bool {
        let mut matches_field = |filter: &FieldFilter<F>| {
            let values = values_of(&filter.field);
            filter
                .conditions
                .iter()
                .all(|condition| condition.predicate.holds(&values, filter.kind, now) != condition.is_negated)
        };
        match self.junction {
            Junction::And => self.fields.iter().all(matches_field),
            Junction::Or => self.fields.is_empty() || self.fields.iter().any(&mut matches_field),
        }
    }

    /// Returns the fields whose conditions depend on the current time.
    pub fn time_dependent_fields(&self) -> impl Iterator<Item = (&F, FieldKind)> {
        self.fields.iter().filter_map(|filter| {
            let depends_on_time = filter.conditions.iter().any(|condition| condition.predicate.depends_on_time());
            depends_on_time.then_some((&filter.field, filter.kind))
        })
    }

    /// Returns whether an object can start or stop matching only because time passes.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.time_dependent_fields().next().is_some()
    }

    /// Returns the fields and values for which the result of a condition may have changed between `then` and `now`:
    /// values that satisfied the condition at one time in between and not at another. Objects that were evaluated at
    /// `then` or later, were not changed since, and have none of these values, still have the same result.
    /// `is_never_in_future` returns whether the values of a field are never later than the time at which they are
    /// written.
    #[must_use]
    pub fn changed_values(
        &self,
        then: DateTime<Utc>,
        now: DateTime<Utc>,
        is_never_in_future: impl Fn(&F) -> bool,
    ) -> Vec<(&F, ChangedValues)> {
        let mut changed = Vec::new();
        for FieldFilter { field, kind, conditions } in &self.fields {
            for Condition { predicate, .. } in conditions {
                match predicate {
                    Predicate::During(times) => {
                        let spans: Vec<_> = times
                            .iter()
                            .flat_map(|time| {
                                time.changed_spans(*kind, then, now, then <= now && is_never_in_future(field))
                            })
                            .collect();
                        if !spans.is_empty() {
                            changed.push((field, ChangedValues::Spans(spans)));
                        }
                    }
                    Predicate::Anniversary(anniversaries) => {
                        let days = Anniversary::changed_month_days(anniversaries, then, now);
                        if !days.is_empty() {
                            changed.push((field, ChangedValues::MonthDays(days)));
                        }
                    }
                    _ => {}
                }
            }
        }
        changed
    }
}
