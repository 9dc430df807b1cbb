//! Times that an operator names, most of them relative to now. Days, weeks (from Monday), months and years are those of UTC.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::Kind;
use crate::domain::timestamp::{after_shown, day, shown};

/// A span of time, half open: `from` is in it and `until` is not. At the precision of a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// `None` for ever before.
    pub from: Option<DateTime<Utc>>,
    /// `None` for ever after.
    pub until: Option<DateTime<Utc>>,
}

impl Span {
    fn new(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Self {
        Self { from, until }
    }

    /// The days from `first` to `last`, both in it.
    fn days(first: NaiveDate, last: NaiveDate) -> Self {
        let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        Self::new(Some(midnight(first)), last.succ_opt().map(midnight))
    }

    /// Whether `moment` is in it.
    #[must_use]
    pub fn contains(self, moment: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }

    /// Spans that together hold everything that is in only one of the two. Both have the same ends open.
    pub(super) fn difference(self, other: Self) -> Vec<Self> {
        [(self.from, other.from), (self.until, other.until)]
            .into_iter()
            .filter(|(one, other)| one != other)
            .map(|(one, other)| Self::new(one.min(other), one.max(other)))
            .collect()
    }
}

/// When a moment must be.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// In a fixed span.
    In(Span),
    /// More than so many days before now, or exactly so many.
    MoreDaysAgo { days: i64, or_equal: bool },
    /// Less than so many days before now, and not after now.
    LessDaysAgo { days: i64, or_equal: bool },
    /// More than so many days after now.
    MoreDaysAhead { days: i64 },
    /// Less than so many days after now, and not before now.
    LessDaysAhead { days: i64 },
    /// On the day that is so many days after today, or before it where negative.
    Day { offset: i64 },
    /// In the week that is so many weeks after this one.
    Week { offset: i64 },
    /// In the month that is so many months after this one.
    Month { offset: i32 },
    /// In the year that is so many years after this one.
    Year { offset: i32 },
    /// On today's day of the year, so many years ago; 29 February is followed by 28 February.
    YearsAgo { years: i32 },
}

impl When {
    /// The span that it is at `now`, for a field of that kind: of a day, today's first moment counts as now.
    #[must_use]
    pub fn span(&self, kind: Kind, now: DateTime<Utc>) -> Span {
        let now = if kind == Kind::Day { day(now) } else { now };
        let today = now.date_naive();
        match *self {
            Self::In(span) => span,
            Self::MoreDaysAgo { days, or_equal } => {
                let limit = now - TimeDelta::days(days);
                Span::new(None, Some(if or_equal { after_shown(limit) } else { shown(limit) }))
            }
            Self::LessDaysAgo { days, or_equal } => {
                let limit = now - TimeDelta::days(days);
                Span::new(Some(if or_equal { shown(limit) } else { after_shown(limit) }), Some(after_shown(now)))
            }
            Self::MoreDaysAhead { days } => Span::new(Some(after_shown(now + TimeDelta::days(days))), None),
            Self::LessDaysAhead { days } => Span::new(Some(shown(now)), Some(shown(now + TimeDelta::days(days)))),
            Self::Day { offset } => {
                let date = today + TimeDelta::days(offset);
                Span::days(date, date)
            }
            Self::Week { offset } => {
                let monday = week(today, offset);
                Span::days(monday, monday + Days::new(6))
            }
            Self::Month { offset } => {
                let (first, last) = month(today, offset);
                Span::days(first, last)
            }
            Self::Year { offset } => {
                let year = today.year() + offset;
                let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(today);
                Span::days(first, NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or(today))
            }
            Self::YearsAgo { years } => {
                let date = shift(today, -12 * years);
                Span::days(date, date)
            }
        }
    }
}

/// Which days of the year a day must be on, whatever its year.
#[derive(Clone, Debug, PartialEq)]
pub enum Anniversary {
    /// That of the day that is so many days after today, or before it where negative.
    Day { offset: i64 },
    /// One of the week that is so many weeks after this one.
    Week { offset: i64 },
    /// One of the month that is so many months after this one.
    Month { offset: i32 },
    /// The latest anniversary was more than so many days ago.
    MoreDaysAgo { days: i64 },
    /// The latest anniversary was less than so many days ago; today's was none ago.
    LessDaysAgo { days: i64 },
    /// The next anniversary is in more than so many days.
    MoreDaysAhead { days: i64 },
    /// The next anniversary is in less than so many days; today's is in none.
    LessDaysAhead { days: i64 },
}

/// Days of the year, each as `month * 100 + day`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthDays {
    pub days: Vec<i32>,
    /// Whether every other day is meant instead.
    pub inverted: bool,
}

impl MonthDays {
    /// Whether `date` is on one of the days that are meant.
    #[must_use]
    pub fn contain(&self, date: NaiveDate) -> bool {
        self.days.contains(&month_day(date)) != self.inverted
    }

    /// The days on which the two differ. Both are meant in the same sense.
    pub(super) fn difference(&self, other: &Self) -> Vec<i32> {
        let only =
            |one: &Self, other: &Self| one.days.iter().filter(|day| !other.days.contains(day)).copied().collect();
        let (mut days, others): (Vec<_>, Vec<_>) = (only(self, other), only(other, self));
        days.extend(others);
        days
    }
}

impl Anniversary {
    /// The days of the year that it is at `now`. In years without a 29 February, who was born on one has the 28th.
    #[must_use]
    pub fn month_days(&self, now: DateTime<Utc>) -> MonthDays {
        let today = now.date_naive();
        let of = |first: NaiveDate, count: i64, inverted: bool| {
            let mut days: Vec<_> = first
                .iter_days()
                // A year and a day hold every day of the year that there is.
                .take(usize::try_from(count.clamp(0, 367)).unwrap_or_default())
                .flat_map(|date| {
                    let leap_day = (month_day(date) == 228 && !date.leap_year()).then_some(229);
                    std::iter::once(month_day(date)).chain(leap_day)
                })
                .collect();
            days.sort_unstable();
            days.dedup();
            MonthDays { days, inverted }
        };
        let back = |days: i64| today - TimeDelta::days(days.min(367));
        match *self {
            Self::Day { offset } => of(today + TimeDelta::days(offset), 1, false),
            Self::Week { offset } => of(week(today, offset), 7, false),
            Self::Month { offset } => {
                let (first, last) = month(today, offset);
                of(first, i64::from(last.day()), false)
            }
            Self::MoreDaysAgo { days } => of(back(days), days + 1, true),
            Self::LessDaysAgo { days } => of(back(days - 1), days, false),
            Self::MoreDaysAhead { days } => of(today, days + 1, true),
            Self::LessDaysAhead { days } => of(today, days, false),
        }
    }
}

fn month_day(date: NaiveDate) -> i32 {
    i32::try_from(date.month() * 100 + date.day()).unwrap_or_default()
}

/// The Monday of the week that is `offset` weeks after that of `date`.
fn week(date: NaiveDate, offset: i64) -> NaiveDate {
    date + TimeDelta::days(offset * 7 - i64::from(date.weekday().num_days_from_monday()))
}

/// The first and last day of the month that is `offset` months after that of `date`.
fn month(date: NaiveDate, offset: i32) -> (NaiveDate, NaiveDate) {
    let first = shift(date.with_day(1).unwrap_or(date), offset);
    (first, shift(first, 1).pred_opt().unwrap_or(first))
}

/// `date` so many months later, or earlier; at the end of a shorter month where it has no such day.
fn shift(date: NaiveDate, months: i32) -> NaiveDate {
    let shifted = if months < 0 {
        date.checked_sub_months(Months::new(months.unsigned_abs()))
    } else {
        date.checked_add_months(Months::new(months.unsigned_abs()))
    };
    shifted.unwrap_or(date)
}
