//! The time conditions of operators, most of them relative to the current time. Days, weeks (from Monday), months and
//! years are in UTC.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::calendar::{add_months, month_bounds, week_start};
use super::kind::FieldKind;
use crate::domain::timestamp::{next_millisecond, start_of_day, truncate_to_millis};

/// A time span in milliseconds, which includes `from` and excludes `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// `None` if the span has no start.
    pub from: Option<DateTime<Utc>>,
    /// `None` if the span has no end.
    pub until: Option<DateTime<Utc>>,
}

impl Span {
    fn new(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Self {
        Self { from, until }
    }

    /// Returns the span from `first` to `last`, including both days.
    fn days(first: NaiveDate, last: NaiveDate) -> Self {
        let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        Self::new(Some(midnight(first)), last.succ_opt().map(midnight))
    }

    /// Returns whether the span contains `moment`.
    #[must_use]
    pub fn contains(self, moment: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }
}

/// A condition on a moment or day, fixed or relative to the current time.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeCondition {
    /// In a fixed span.
    In(Span),
    /// More than `days` days before now, or also exactly `days` days if `or_equal`.
    MoreDaysAgo { days: i64, or_equal: bool },
    /// Less than `days` days before now, or also exactly `days` days if `or_equal`, and not after now.
    LessDaysAgo { days: i64, or_equal: bool },
    /// More than `days` days after now.
    MoreDaysAhead { days: i64 },
    /// Less than `days` days after now, and not before now.
    LessDaysAhead { days: i64 },
    /// On the day `offset` days after today. A negative offset is a day before today.
    Day { offset: i64 },
    /// In the week `offset` weeks after this week.
    Week { offset: i64 },
    /// In the month `offset` months after this month.
    Month { offset: i32 },
    /// In the year `offset` years after this year.
    Year { offset: i32 },
    /// On the same day of the year as today, `years` years ago. For 29 February, it is 28 February in a year without
    /// one.
    YearsAgo { years: i32 },
}

impl TimeCondition {
    /// Returns the span of the values that satisfy the condition at `now`. For a field of days, the current time is the
    /// start of today.
    #[must_use]
    pub fn span_at(&self, kind: FieldKind, now: DateTime<Utc>) -> Span {
        let now = if kind == FieldKind::Day { start_of_day(now) } else { now };
        let today = now.date_naive();
        match *self {
            Self::In(span) => span,
            Self::MoreDaysAgo { days, or_equal } => {
                let limit = now - TimeDelta::days(days);
                Span::new(None, Some(if or_equal { next_millisecond(limit) } else { truncate_to_millis(limit) }))
            }
            Self::LessDaysAgo { days, or_equal } => {
                let limit = now - TimeDelta::days(days);
                let from = if or_equal { truncate_to_millis(limit) } else { next_millisecond(limit) };
                Span::new(Some(from), Some(next_millisecond(now)))
            }
            Self::MoreDaysAhead { days } => Span::new(Some(next_millisecond(now + TimeDelta::days(days))), None),
            Self::LessDaysAhead { days } => {
                Span::new(Some(truncate_to_millis(now)), Some(truncate_to_millis(now + TimeDelta::days(days))))
            }
            Self::Day { offset } => {
                let date = today + TimeDelta::days(offset);
                Span::days(date, date)
            }
            Self::Week { offset } => {
                let monday = week_start(today, offset);
                Span::days(monday, monday + Days::new(6))
            }
            Self::Month { offset } => {
                let (first, last) = month_bounds(today, offset);
                Span::days(first, last)
            }
            Self::Year { offset } => {
                let year = today.year() + offset;
                let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(today);
                Span::days(first, NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or(today))
            }
            Self::YearsAgo { years } => {
                let date = add_months(today, -12 * years);
                Span::days(date, date)
            }
        }
    }

    /// Returns the spans that the bounds of the condition moved over between `then` and `now`. A bound moves in one
    /// direction only, so these spans contain every value for which the result changed in between. If the values of the
    /// field are never in the future, a bound at the current time moves over no value and is left out.
    pub(super) fn changed_spans(
        &self,
        kind: FieldKind,
        then: DateTime<Utc>,
        now: DateTime<Utc>,
        is_never_in_future: bool,
    ) -> Vec<Span> {
        let (before, after) = (self.span_at(kind, then), self.span_at(kind, now));
        let ends_now = is_never_in_future && matches!(self, Self::LessDaysAgo { .. });
        [(before.from, after.from, true), (before.until, after.until, !ends_now)]
            .into_iter()
            .filter(|(before, after, is_relevant)| before != after && *is_relevant)
            .map(|(before, after, _)| Span::new(before.min(after), before.max(after)))
            .collect()
    }
}
