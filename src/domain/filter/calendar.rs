//! Calculations with dates. Weeks begin on Monday.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

/// Returns the day of the year of `date`, as `month * 100 + day`.
pub(super) fn month_day(date: NaiveDate) -> i32 {
    i32::try_from(date.month() * 100 + date.day()).unwrap_or_default()
}

/// Returns the Monday of the week `offset` weeks after the week of `date`.
pub(super) fn week_start(date: NaiveDate, offset: i64) -> NaiveDate {
    date + TimeDelta::days(offset * 7 - i64::from(date.weekday().num_days_from_monday()))
}

/// Returns the first and last day of the month `offset` months after the month of `date`.
pub(super) fn month_bounds(date: NaiveDate, offset: i32) -> (NaiveDate, NaiveDate) {
    let first = add_months(date.with_day(1).unwrap_or(date), offset);
    (first, add_months(first, 1).pred_opt().unwrap_or(first))
}

/// Returns `date` moved by `months`, which may be negative. If the month has no such day, returns its last day.
pub(super) fn add_months(date: NaiveDate, months: i32) -> NaiveDate {
    let moved = if months < 0 {
        date.checked_sub_months(Months::new(months.unsigned_abs()))
    } else {
        date.checked_add_months(Months::new(months.unsigned_abs()))
    };
    moved.unwrap_or(date)
}
