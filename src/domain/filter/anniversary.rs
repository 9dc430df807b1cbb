//! Conditions on the day of the year, which ignore the year itself.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::calendar::{month_bounds, month_day, week_start};

/// A condition on the day of the year of a value, whatever its year.
#[derive(Clone, Debug, PartialEq)]
pub enum Anniversary {
    /// The day of the year `offset` days after today. A negative offset is a day before today.
    Day { offset: i64 },
    /// A day of the week `offset` weeks after this week.
    Week { offset: i64 },
    /// A day of the month `offset` months after this month.
    Month { offset: i32 },
    /// The latest anniversary was more than `days` days ago.
    MoreDaysAgo { days: i64 },
    /// The latest anniversary was less than `days` days ago. An anniversary today was 0 days ago.
    LessDaysAgo { days: i64 },
    /// The next anniversary is in more than `days` days.
    MoreDaysAhead { days: i64 },
    /// The next anniversary is in less than `days` days. An anniversary today is in 0 days.
    LessDaysAhead { days: i64 },
}

/// Days of the year, each as `month * 100 + day`.
struct MonthDays {
    days: Vec<i32>,
    /// Whether all days except `days` are meant.
    is_inverted: bool,
}

impl Anniversary {
    /// Returns the days of the year that satisfy one of `anniversaries` at `now`, each as `month * 100 + day`.
    #[must_use]
    pub fn month_days_at(anniversaries: &[Self], now: DateTime<Utc>) -> Vec<i32> {
        let mut is_included = [false; 1_300];
        for MonthDays { days, is_inverted } in anniversaries.iter().map(|anniversary| anniversary.month_days(now)) {
            let mut is_listed = [false; 1_300];
            for day in days {
                is_listed[usize::try_from(day).unwrap_or_default()] = true;
            }
            for (included, listed) in is_included.iter_mut().zip(is_listed) {
                *included |= listed != is_inverted;
            }
        }
        all_month_days().filter(|&day| is_included[usize::try_from(day).unwrap_or_default()]).collect()
    }

    /// Returns the days of the year that satisfied `anniversaries` at one time between `then` and `now` and not at
    /// another.
    pub(super) fn changed_month_days(anniversaries: &[Self], then: DateTime<Utc>, now: DateTime<Utc>) -> Vec<i32> {
        let (first, last) = (then.min(now).date_naive(), then.max(now).date_naive());
        if first == last {
            return Vec::new();
        }
        // For a period of more than 40 days, return all days, because computing the exact days costs more than it
        // saves.
        if (last - first).num_days() > 40 {
            return all_month_days().collect();
        }
        let at = |date: NaiveDate| Self::month_days_at(anniversaries, date.and_time(NaiveTime::MIN).and_utc());
        let mut changed = Vec::new();
        let mut before = at(first);
        for date in first.iter_days().skip(1).take_while(|date| *date <= last) {
            let after = at(date);
            changed.extend(before.iter().filter(|day| !after.contains(day)));
            changed.extend(after.iter().filter(|day| !before.contains(day)));
            before = after;
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Returns the days of the year that satisfy this condition at `now`. In a year without 29 February, the
    /// anniversary of that day is 28 February.
    fn month_days(&self, now: DateTime<Utc>) -> MonthDays {
        let today = now.date_naive();
        let of = |first: NaiveDate, count: i64, is_inverted: bool| {
            let mut days: Vec<_> = first
                .iter_days()
                // 367 consecutive days contain every day of the year.
                .take(usize::try_from(count.clamp(0, 367)).unwrap_or_default())
                .flat_map(|date| {
                    let leap_day = (month_day(date) == 228 && !date.leap_year()).then_some(229);
                    std::iter::once(month_day(date)).chain(leap_day)
                })
                .collect();
            days.sort_unstable();
            days.dedup();
            MonthDays { days, is_inverted }
        };
        let days_ago = |days: i64| today - TimeDelta::days(days.min(367));
        match *self {
            Self::Day { offset } => of(today + TimeDelta::days(offset), 1, false),
            Self::Week { offset } => of(week_start(today, offset), 7, false),
            Self::Month { offset } => {
                let (first, last) = month_bounds(today, offset);
                of(first, i64::from(last.day()), false)
            }
            Self::MoreDaysAgo { days } => of(days_ago(days), days + 1, true),
            Self::LessDaysAgo { days } => of(days_ago(days - 1), days, false),
            Self::MoreDaysAhead { days } => of(today, days + 1, true),
            Self::LessDaysAhead { days } => of(today, days, false),
        }
    }
}

/// Returns the days 1 to 31 of every month. This includes days that no year has.
fn all_month_days() -> impl Iterator<Item = i32> {
    (1..=12).flat_map(|month| (1..=31).map(move |day| month * 100 + day))
}
