//! The operators, and how each reads its operands.

use serde_json::Value;

use super::parse::Operands;
use super::{Anniversary, Comparison, Condition, DatePart, FilterError, Kind, Span, Test, When};
use crate::domain::timestamp::{after_shown, day, shown};

/// Every operator that the vendor knows, in the order in which its error text lists them.
pub const OPERATORS: [&str; 68] = [
    "$in",
    "$not_in",
    "$in_location",
    "$not_in_location",
    "$is",
    "$is_days_ago",
    "$is_days_in_future",
    "$is_not",
    "$has_value",
    "$is_unknown",
    "$contains",
    "$not_contain",
    "$starts_with",
    "$ends_with",
    "$more_than",
    "$less_than",
    "$more_than_ago",
    "$less_than_ago",
    "$more_than_future",
    "$less_than_future",
    "$more_than_equal",
    "$less_than_equal",
    "$after",
    "$before",
    "$count",
    "$count_less",
    "$count_more",
    "$today",
    "$tomorrow",
    "$yesterday",
    "$this_week",
    "$last_week",
    "$next_week",
    "$this_month",
    "$last_month",
    "$next_month",
    "$this_year",
    "$next_year",
    "$last_year",
    "$is_day_of_month",
    "$is_day",
    "$is_month",
    "$is_year",
    "$today_md",
    "$tomorrow_md",
    "$yesterday_md",
    "$this_week_md",
    "$last_week_md",
    "$next_week_md",
    "$this_month_md",
    "$last_month_md",
    "$next_month_md",
    "$is_days_ago_md",
    "$is_more_days_ago_md",
    "$is_less_days_ago_md",
    "$is_days_in_future_md",
    "$is_more_days_in_future_md",
    "$is_less_days_in_future_md",
    "$is_years_ago",
    "$active",
    "$failed",
    "$in_progress",
    "$expired",
    "$before_start",
    "$enabled",
    "$disabled",
    "$redeemed",
    "$redeemable",
];

/// The most days, back or ahead, that an operand may say: some 270 years.
const DAYS: i64 = 100_000;
/// The most years that an operand may say.
const YEARS: i64 = 1_000;

/// Reads one operator of a field of that kind.
pub(super) fn parse(operator: &str, kind: Kind, operands: &Operands<'_>) -> Result<Condition, FilterError> {
    let plain = |test| Ok(Condition { test, negated: false });
    let opposite = |test| Ok(Condition { test, negated: true });
    match operator {
        "$is" | "$in" => plain(equality(kind, operands)?),
        "$is_not" | "$not_in" => opposite(equality(kind, operands)?),
        "$has_value" => Ok(Condition { test: Test::Present, negated: !operands.flag()? }),
        "$is_unknown" => Ok(Condition { test: Test::Present, negated: operands.flag()? }),
        "$contains" => plain(Test::Contains(operands.texts()?)),
        "$not_contain" => opposite(Test::Contains(operands.texts()?)),
        "$starts_with" => plain(Test::StartsWith(operands.texts()?)),
        "$ends_with" => plain(Test::EndsWith(operands.texts()?)),
        "$more_than" => plain(compared(Comparison::More, kind, operands)?),
        "$less_than" => plain(compared(Comparison::Less, kind, operands)?),
        "$more_than_equal" => plain(compared(Comparison::MoreOrEqual, kind, operands)?),
        "$less_than_equal" => plain(compared(Comparison::LessOrEqual, kind, operands)?),
        "$count" => plain(Test::Count(Comparison::Equal, operands.integers(0, i64::MAX)?)),
        "$count_more" => plain(Test::Count(Comparison::More, operands.integers(0, i64::MAX)?)),
        "$count_less" => plain(Test::Count(Comparison::Less, operands.integers(0, i64::MAX)?)),
        "$after" | "$before" if kind == Kind::Text => {
            let comparison = if operator == "$after" { Comparison::More } else { Comparison::Less };
            plain(Test::Text(comparison, operands.texts()?))
        }
        _ => {
            let (test, negated) = dated(operator, operands)?;
            // Text and numbers have no date.
            let test = if matches!(kind, Kind::Moment | Kind::Day) { test } else { Test::Never };
            Ok(Condition { test, negated })
        }
    }
}

fn equality(kind: Kind, operands: &Operands<'_>) -> Result<Test, FilterError> {
    Ok(match kind {
        Kind::Text => Test::Text(Comparison::Equal, operands.texts()?),
        Kind::Number => Test::Number(Comparison::Equal, operands.numbers()?),
        Kind::Moment | Kind::Day => {
            let whens = operands.times()?.into_iter().map(|(time, is_date)| {
                let whole_day = is_date || kind == Kind::Day;
                let from = if whole_day { day(time) } else { shown(time) };
                let until = if whole_day { from + chrono::TimeDelta::days(1) } else { after_shown(time) };
                When::In(Span { from: Some(from), until: Some(until) })
            });
            Test::During(whens.collect())
        }
    })
}

/// The four comparisons: of dates they say how many days ago.
fn compared(comparison: Comparison, kind: Kind, operands: &Operands<'_>) -> Result<Test, FilterError> {
    Ok(match kind {
        Kind::Text => Test::Text(comparison, operands.texts()?),
        Kind::Number => Test::Number(comparison, operands.numbers()?),
        Kind::Moment | Kind::Day => {
            let or_equal = matches!(comparison, Comparison::MoreOrEqual | Comparison::LessOrEqual);
            let when = |days| match comparison {
                Comparison::More | Comparison::MoreOrEqual => When::MoreDaysAgo { days, or_equal },
                _ => When::LessDaysAgo { days, or_equal },
            };
            Test::During(operands.integers(0, DAYS)?.into_iter().map(when).collect())
        }
    })
}

/// The operators that need a date, and whether the operand says the opposite.
fn dated(operator: &str, operands: &Operands<'_>) -> Result<(Test, bool), FilterError> {
    let days =
        |when: fn(i64) -> When| Ok((Test::During(operands.integers(0, DAYS)?.into_iter().map(when).collect()), false));
    let flag = |when: When| Ok((Test::During(vec![when]), !operands.flag()?));
    let anniversaries = |day: fn(i64) -> Anniversary| {
        Ok((Test::Anniversary(operands.integers(0, DAYS)?.into_iter().map(day).collect()), false))
    };
    let anniversary = |day: Anniversary| Ok((Test::Anniversary(vec![day]), !operands.flag()?));
    let part = |part: DatePart, least: i64, most: i64| {
        let numbers = operands.integers(least, most)?.into_iter().filter_map(|number| i32::try_from(number).ok());
        // Sunday may be given as JavaScript counts it.
        let numbers = numbers.map(|number| if part == DatePart::DayOfWeek && number == 0 { 7 } else { number });
        Ok((Test::Part(part, numbers.collect()), false))
    };
    match operator {
        "$after" | "$before" => {
            let whens = operands.times()?.into_iter().map(|(time, _)| {
                When::In(match operator {
                    "$after" => Span { from: Some(after_shown(time)), until: None },
                    _ => Span { from: None, until: Some(shown(time)) },
                })
            });
            Ok((Test::During(whens.collect()), false))
        }
        "$more_than_ago" => days(|days| When::MoreDaysAgo { days, or_equal: false }),
        "$less_than_ago" => days(|days| When::LessDaysAgo { days, or_equal: false }),
        "$more_than_future" => days(|days| When::MoreDaysAhead { days }),
        "$less_than_future" => days(|days| When::LessDaysAhead { days }),
        "$is_days_ago" => days(|days| When::Day { offset: -days }),
        "$is_days_in_future" => days(|days| When::Day { offset: days }),
        "$is_years_ago" => {
            let years = operands.integers(0, YEARS)?.into_iter().filter_map(|years| i32::try_from(years).ok());
            Ok((Test::During(years.map(|years| When::YearsAgo { years }).collect()), false))
        }
        "$today" => flag(When::Day { offset: 0 }),
        "$tomorrow" => flag(When::Day { offset: 1 }),
        "$yesterday" => flag(When::Day { offset: -1 }),
        "$this_week" => flag(When::Week { offset: 0 }),
        "$last_week" => flag(When::Week { offset: -1 }),
        "$next_week" => flag(When::Week { offset: 1 }),
        "$this_month" => flag(When::Month { offset: 0 }),
        "$last_month" => flag(When::Month { offset: -1 }),
        "$next_month" => flag(When::Month { offset: 1 }),
        "$this_year" => flag(When::Year { offset: 0 }),
        "$last_year" => flag(When::Year { offset: -1 }),
        "$next_year" => flag(When::Year { offset: 1 }),
        "$is_day_of_month" => part(DatePart::DayOfMonth, 1, 31),
        "$is_day" => part(DatePart::DayOfWeek, 0, 7),
        "$is_month" => part(DatePart::Month, 1, 12),
        "$is_year" => part(DatePart::Year, 1, 9999),
        "$today_md" => anniversary(Anniversary::Day { offset: 0 }),
        "$tomorrow_md" => anniversary(Anniversary::Day { offset: 1 }),
        "$yesterday_md" => anniversary(Anniversary::Day { offset: -1 }),
        "$this_week_md" => anniversary(Anniversary::Week { offset: 0 }),
        "$last_week_md" => anniversary(Anniversary::Week { offset: -1 }),
        "$next_week_md" => anniversary(Anniversary::Week { offset: 1 }),
        "$this_month_md" => anniversary(Anniversary::Month { offset: 0 }),
        "$last_month_md" => anniversary(Anniversary::Month { offset: -1 }),
        "$next_month_md" => anniversary(Anniversary::Month { offset: 1 }),
        "$is_days_ago_md" => anniversaries(|days| Anniversary::Day { offset: -days }),
        "$is_days_in_future_md" => anniversaries(|days| Anniversary::Day { offset: days }),
        "$is_more_days_ago_md" => anniversaries(|days| Anniversary::MoreDaysAgo { days }),
        "$is_less_days_ago_md" => anniversaries(|days| Anniversary::LessDaysAgo { days }),
        "$is_more_days_in_future_md" => anniversaries(|days| Anniversary::MoreDaysAhead { days }),
        "$is_less_days_in_future_md" => anniversaries(|days| Anniversary::LessDaysAhead { days }),
        // Places, and the states of vouchers and campaigns.
        known if OPERATORS.contains(&known) => Err(FilterError::NotEmulated(known.to_owned())),
        _ => Err(FilterError::Malformed),
    }
}

/// Whether `value` says yes: `true`, also as text, and the empty text that query strings carry.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "" | "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
