//! The predicates of operators on the values of a field.

use chrono::{DateTime, Datelike, Utc};

use super::anniversary::Anniversary;
use super::calendar::month_day;
use super::comparison::Comparison;
use super::kind::FieldKind;
use super::scalar::Scalar;
use super::text_operands::{ComparedTexts, Prefixes, Substrings, Suffixes};
use super::time_condition::TimeCondition;

/// A part of a date, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// 1 to 31.
    DayOfMonth,
    /// 1 (Monday) to 7 (Sunday).
    DayOfWeek,
    /// 1 to 12.
    Month,
    Year,
}

/// A predicate on a field, which holds if one of the values of the field satisfies one of the operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// The field has a value.
    HasValue,
    Text(Comparison, ComparedTexts),
    Contains(Substrings),
    StartsWith(Prefixes),
    EndsWith(Suffixes),
    Number(Comparison, Vec<f64>),
    /// Compares the number of values.
    Count(Comparison, Vec<i64>),
    During(Vec<TimeCondition>),
    DatePart(DatePart, Vec<i32>),
    Anniversary(Vec<Anniversary>),
    /// Never holds, because the operator requires another kind of field.
    Never,
}

impl Predicate {
    /// Returns whether the result depends on the current time.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        match self {
            Self::During(times) => times.iter().any(|time| !matches!(time, TimeCondition::In(_))),
            Self::Anniversary(_) => true,
            _ => false,
        }
    }

    /// Returns whether the predicate holds at `now` for a field of the given kind with these values.
    #[must_use]
    pub fn holds(&self, values: &[Scalar<'_>], kind: FieldKind, now: DateTime<Utc>) -> bool {
        let any_text = |matches: &dyn Fn(&str) -> bool| values.iter().any(|value| matches(&value.text()));
        let any_moment =
            |matches: &dyn Fn(DateTime<Utc>) -> bool| values.iter().filter_map(|value| value.moment(kind)).any(matches);
        match self {
            Self::HasValue => !values.is_empty(),
            Self::Text(comparison, operands) => any_text(&|value| operands.holds(*comparison, value)),
            Self::Contains(operands) => any_text(&|value| operands.are_in(value)),
            Self::StartsWith(operands) => any_text(&|value| operands.match_start_of(value)),
            Self::EndsWith(operands) => any_text(&|value| operands.match_end_of(value)),
            Self::Number(comparison, operands) => values
                .iter()
                .filter_map(Scalar::number)
                .any(|value| operands.iter().any(|operand| comparison.holds(&value, operand))),
            Self::Count(comparison, operands) => {
                let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
                operands.iter().any(|operand| comparison.holds(&count, operand))
            }
            Self::During(times) => {
                let spans: Vec<_> = times.iter().map(|time| time.span_at(kind, now)).collect();
                any_moment(&|moment| spans.iter().any(|span| span.contains(moment)))
            }
            Self::DatePart(part, operands) => any_moment(&|moment| operands.contains(&part.of(moment))),
            Self::Anniversary(anniversaries) => {
                let days = Anniversary::month_days_at(anniversaries, now);
                any_moment(&|moment| days.contains(&month_day(moment.date_naive())))
            }
            Self::Never => false,
        }
    }
}

impl DatePart {
    /// Returns this part of `moment`.
    fn of(self, moment: DateTime<Utc>) -> i32 {
        let part = match self {
            Self::DayOfMonth => moment.day(),
            Self::DayOfWeek => moment.weekday().number_from_monday(),
            Self::Month => moment.month(),
            Self::Year => return moment.year(),
        };
        i32::try_from(part).unwrap_or_default()
    }
}
