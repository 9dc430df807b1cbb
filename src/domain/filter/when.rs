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

impl When {
    /// The values over which an edge of the span has gone from `then` to `now`: edges go one way, so that nothing in between is
    /// missed. Where no value is ahead of its writing, the edge that is now itself passes over none.
    pub(super) fn swept(&self, kind: Kind, then: DateTime<Utc>, now: DateTime<Utc>, is_past: bool) -> Vec<Span> {
        let (before, after) = (self.span(kind, then), self.span(kind, now));
        let ends_now = is_past && matches!(self, Self::LessDaysAgo { .. });
        [(before.from, after.from, true), (before.until, after.until, !ends_now)]
            .into_iter()
            .filter(|(one, other, counts)| one != other && *counts)
            .map(|(one, other, _)| Span::new(one.min(other), one.max(other)))
            .collect()
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
struct MonthDays {
    days: Vec<i32>,
    /// Whether every other day is meant instead.
    inverted: bool,
}

impl Anniversary {
    /// All days of the year that one of `anniversaries` is at `now`.
    #[must_use]
    pub fn days_of(anniversaries: &[Self], now: DateTime<Utc>) -> Vec<i32> {
        let mut is_meant = [false; 1_300];
        for MonthDays { days, inverted } in anniversaries.iter().map(|anniversary| anniversary.month_days(now)) {
            let mut listed = [false; 1_300];
            for day in days {
                listed[usize::try_from(day).unwrap_or_default()] = true;
            }
            for (meant, listed) in is_meant.iter_mut().zip(listed) {
                *meant |= listed != inverted;
            }
        }
        every_day().filter(|&day| is_meant[usize::try_from(day).unwrap_or_default()]).collect()
    }

    /// The days of the year that `anniversaries` were at one moment from `then` to `now` and were not at another.
    pub(super) fn turned(anniversaries: &[Self], then: DateTime<Utc>, now: DateTime<Utc>) -> Vec<i32> {
        let (first, last) = (then.min(now).date_naive(), then.max(now).date_naive());
        if first == last {
            return Vec::new();
        }
        // Past some weeks it is not worth telling them apart.
        if (last - first).num_days() > 40 {
            return every_day().collect();
        }
        let at = |date: NaiveDate| Self::days_of(anniversaries, date.and_time(NaiveTime::MIN).and_utc());
        let mut turned = Vec::new();
        let mut before = at(first);
        for date in first.iter_days().skip(1).take_while(|date| *date <= last) {
            let after = at(date);
            turned.extend(before.iter().filter(|day| !after.contains(day)));
            turned.extend(after.iter().filter(|day| !before.contains(day)));
            before = after;
        }
        turned.sort_unstable();
        turned.dedup();
        turned
    }

    /// The days of the year that it is at `now`. In years without a 29 February, who was born on one has the 28th.
    fn month_days(&self, now: DateTime<Utc>) -> MonthDays {
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

/// Every day that a year can have, and some that none has.
fn every_day() -> impl Iterator<Item = i32> {
    (1..=12).flat_map(|month| (1..=31).map(move |day| month * 100 + day))
}

/// The day of the year of a date, as `month * 100 + day`.
pub(super) fn month_day(date: NaiveDate) -> i32 {
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
