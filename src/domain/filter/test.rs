//! What a value must be.

use chrono::{DateTime, Datelike, Utc};

use super::when::month_day;
use super::{Anniversary, Kind, Scalar, When};

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    More,
    MoreOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    fn holds<T: PartialOrd + ?Sized>(self, value: &T, operand: &T) -> bool {
        match self {
            Self::Equal => value == operand,
            Self::More => value > operand,
            Self::MoreOrEqual => value >= operand,
            Self::Less => value < operand,
            Self::LessOrEqual => value <= operand,
        }
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// 1 to 31.
    DayOfMonth,
    /// 1 Monday to 7 Sunday.
    DayOfWeek,
    /// 1 to 12.
    Month,
    Year,
}

/// A test, passed by a field when one of its values fits one of the operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There is a value.
    Present,
    Text(Comparison, Vec<String>),
    Contains(Vec<String>),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    Number(Comparison, Vec<f64>),
    /// How many values there are.
    Count(Comparison, Vec<i64>),
    During(Vec<When>),
    Part(DatePart, Vec<i32>),
    Anniversary(Vec<Anniversary>),
    /// Nothing passes: the operator needs another kind of value.
    Never,
}

impl Test {
    /// Whether the mere passing of time can change who passes.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        match self {
            Self::During(whens) => whens.iter().any(|when| !matches!(when, When::In(_))),
            Self::Anniversary(_) => true,
            _ => false,
        }
    }

    /// Whether a field of that kind passes at `now` with these values.
    #[must_use]
    pub fn passes(&self, values: &[Scalar<'_>], kind: Kind, now: DateTime<Utc>) -> bool {
        let any_text = |fits: &dyn Fn(&str, &str) -> bool, operands: &[String]| {
            values.iter().any(|value| {
                let text = value.text();
                operands.iter().any(|operand| fits(&text, operand))
            })
        };
        let any_moment =
            |fits: &dyn Fn(DateTime<Utc>) -> bool| values.iter().filter_map(|value| value.moment(kind)).any(fits);
        match self {
            Self::Present => !values.is_empty(),
            Self::Text(comparison, operands) => any_text(&|value, operand| comparison.holds(value, operand), operands),
            Self::Contains(operands) => any_text(&|value, operand| value.contains(operand), operands),
            Self::StartsWith(operands) => any_text(&|value, operand| value.starts_with(operand), operands),
            Self::EndsWith(operands) => any_text(&|value, operand| value.ends_with(operand), operands),
            Self::Number(comparison, operands) => values
                .iter()
                .filter_map(Scalar::number)
                .any(|value| operands.iter().any(|operand| comparison.holds(&value, operand))),
            Self::Count(comparison, operands) => {
                let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
                operands.iter().any(|operand| comparison.holds(&count, operand))
            }
            Self::During(whens) => {
                let spans: Vec<_> = whens.iter().map(|when| when.span(kind, now)).collect();
                any_moment(&|moment| spans.iter().any(|span| span.contains(moment)))
            }
            Self::Part(part, operands) => any_moment(&|moment| operands.contains(&part.of(moment))),
            Self::Anniversary(anniversaries) => {
                let days = Anniversary::days_of(anniversaries, now);
                any_moment(&|moment| days.contains(&month_day(moment.date_naive())))
            }
            Self::Never => false,
        }
    }
}

impl DatePart {
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
