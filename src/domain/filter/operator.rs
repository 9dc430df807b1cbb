//! Parses the operators with their operands.

use chrono::TimeDelta;

use super::anniversary::Anniversary;
use super::comparison::Comparison;
use super::conditions::Condition;
use super::error::FilterError;
use super::kind::FieldKind;
use super::operands::Operands;
use super::operator_names::OPERATORS;
use super::predicate::{DatePart, Predicate};
use super::text_operands::{ComparedTexts, Prefixes, Substrings, Suffixes};
use super::time_condition::{Span, TimeCondition};
use crate::domain::timestamp::{next_millisecond, start_of_day, truncate_to_millis};

/// Maximum number of days in an operand, approximately 270 years.
const MAX_DAYS: i64 = 100_000;
/// Maximum number of years in an operand.
const MAX_YEARS: i64 = 1_000;

/// Parses one operator on a field of the given kind.
pub(super) fn parse(operator: &str, kind: FieldKind, operands: &Operands<'_>) -> Result<Condition, FilterError> {
    let positive = |predicate| Ok(Condition { predicate, is_negated: false });
    let negative = |predicate| Ok(Condition { predicate, is_negated: true });
    match operator {
        "$is" | "$in" => positive(equality(kind, operands)?),
        "$is_not" | "$not_in" => negative(equality(kind, operands)?),
        "$has_value" => Ok(Condition { predicate: Predicate::HasValue, is_negated: !operands.flag()? }),
        "$is_unknown" => Ok(Condition { predicate: Predicate::HasValue, is_negated: operands.flag()? }),
        "$contains" => positive(Predicate::Contains(Substrings::new(operands.texts()?))),
        "$not_contain" => negative(Predicate::Contains(Substrings::new(operands.texts()?))),
        "$starts_with" => positive(Predicate::StartsWith(Prefixes::new(operands.texts()?))),
        "$ends_with" => positive(Predicate::EndsWith(Suffixes::new(operands.texts()?))),
        "$more_than" => positive(comparison_of(Comparison::More, kind, operands)?),
        "$less_than" => positive(comparison_of(Comparison::Less, kind, operands)?),
        "$more_than_equal" => positive(comparison_of(Comparison::MoreOrEqual, kind, operands)?),
        "$less_than_equal" => positive(comparison_of(Comparison::LessOrEqual, kind, operands)?),
        "$count" => positive(Predicate::Count(Comparison::Equal, operands.integers(0, i64::MAX)?)),
        "$count_more" => positive(Predicate::Count(Comparison::More, operands.integers(0, i64::MAX)?)),
        "$count_less" => positive(Predicate::Count(Comparison::Less, operands.integers(0, i64::MAX)?)),
        "$after" | "$before" if kind == FieldKind::Text => {
            let comparison = if operator == "$after" { Comparison::More } else { Comparison::Less };
            positive(Predicate::Text(comparison, ComparedTexts::new(operands.texts()?)))
        }
        _ => {
            let (predicate, is_negated) = parse_date_operator(operator, operands)?;
            // A text or a number has no date, so the predicate is never true for it.
            let is_date_field = matches!(kind, FieldKind::Moment | FieldKind::Day);
            Ok(Condition { predicate: if is_date_field { predicate } else { Predicate::Never }, is_negated })
        }
    }
}

/// Parses an equality. A day matches the whole day, and a moment matches its whole millisecond.
fn equality(kind: FieldKind, operands: &Operands<'_>) -> Result<Predicate, FilterError> {
    Ok(match kind {
        FieldKind::Text => Predicate::Text(Comparison::Equal, ComparedTexts::new(operands.texts()?)),
        FieldKind::Number => Predicate::Number(Comparison::Equal, operands.numbers()?),
        FieldKind::Moment | FieldKind::Day => {
            let times = operands.times()?.into_iter().map(|(time, has_no_time)| {
                let whole_day = has_no_time || kind == FieldKind::Day;
                let from = if whole_day { start_of_day(time) } else { truncate_to_millis(time) };
                let until = if whole_day { from + TimeDelta::days(1) } else { next_millisecond(time) };
                TimeCondition::In(Span { from: Some(from), until: Some(until) })
            });
            Predicate::During(times.collect())
        }
    })
}

/// Parses `$more_than`, `$less_than` or one of their variants with `or_equal`. On a moment or a day, `$more_than 5` means more than 5
/// days ago, that is, earlier.
fn comparison_of(comparison: Comparison, kind: FieldKind, operands: &Operands<'_>) -> Result<Predicate, FilterError> {
    Ok(match kind {
        FieldKind::Text => Predicate::Text(comparison, ComparedTexts::new(operands.texts()?)),
        FieldKind::Number => Predicate::Number(comparison, operands.numbers()?),
        FieldKind::Moment | FieldKind::Day => {
            let or_equal = matches!(comparison, Comparison::MoreOrEqual | Comparison::LessOrEqual);
            let time = |days| match comparison {
                Comparison::More | Comparison::MoreOrEqual => TimeCondition::MoreDaysAgo { days, or_equal },
                _ => TimeCondition::LessDaysAgo { days, or_equal },
            };
            Predicate::During(operands.integers(0, MAX_DAYS)?.into_iter().map(time).collect())
        }
    })
}

/// Parses an operator on moments and days. The boolean is true when the operand is `false`, which negates the operator.
fn parse_date_operator(operator: &str, operands: &Operands<'_>) -> Result<(Predicate, bool), FilterError> {
    let days = |time: fn(i64) -> TimeCondition| {
        Ok((Predicate::During(operands.integers(0, MAX_DAYS)?.into_iter().map(time).collect()), false))
    };
    let flag = |time: TimeCondition| Ok((Predicate::During(vec![time]), !operands.flag()?));
    let anniversaries = |day: fn(i64) -> Anniversary| {
        Ok((Predicate::Anniversary(operands.integers(0, MAX_DAYS)?.into_iter().map(day).collect()), false))
    };
    let anniversary = |day: Anniversary| Ok((Predicate::Anniversary(vec![day]), !operands.flag()?));
    let part = |part: DatePart, min: i64, max: i64| {
        let numbers = operands.integers(min, max)?.into_iter().filter_map(|number| i32::try_from(number).ok());
        // Accept Sunday as 0, the number that JavaScript uses, and as 7.
        let numbers = numbers.map(|number| if part == DatePart::DayOfWeek && number == 0 { 7 } else { number });
        Ok((Predicate::DatePart(part, numbers.collect()), false))
    };
    match operator {
        "$after" | "$before" => {
            let times = operands.times()?.into_iter().map(|(time, _)| {
                TimeCondition::In(match operator {
                    "$after" => Span { from: Some(next_millisecond(time)), until: None },
                    _ => Span { from: None, until: Some(truncate_to_millis(time)) },
                })
            });
            Ok((Predicate::During(times.collect()), false))
        }
        "$more_than_ago" => days(|days| TimeCondition::MoreDaysAgo { days, or_equal: false }),
        "$less_than_ago" => days(|days| TimeCondition::LessDaysAgo { days, or_equal: false }),
        "$more_than_future" => days(|days| TimeCondition::MoreDaysAhead { days }),
        "$less_than_future" => days(|days| TimeCondition::LessDaysAhead { days }),
        "$is_days_ago" => days(|days| TimeCondition::Day { offset: -days }),
        "$is_days_in_future" => days(|days| TimeCondition::Day { offset: days }),
        "$is_years_ago" => {
            let years = operands.integers(0, MAX_YEARS)?.into_iter().filter_map(|years| i32::try_from(years).ok());
            Ok((Predicate::During(years.map(|years| TimeCondition::YearsAgo { years }).collect()), false))
        }
        "$today" => flag(TimeCondition::Day { offset: 0 }),
        "$tomorrow" => flag(TimeCondition::Day { offset: 1 }),
        "$yesterday" => flag(TimeCondition::Day { offset: -1 }),
        "$this_week" => flag(TimeCondition::Week { offset: 0 }),
        "$last_week" => flag(TimeCondition::Week { offset: -1 }),
        "$next_week" => flag(TimeCondition::Week { offset: 1 }),
        "$this_month" => flag(TimeCondition::Month { offset: 0 }),
        "$last_month" => flag(TimeCondition::Month { offset: -1 }),
        "$next_month" => flag(TimeCondition::Month { offset: 1 }),
        "$this_year" => flag(TimeCondition::Year { offset: 0 }),
        "$last_year" => flag(TimeCondition::Year { offset: -1 }),
        "$next_year" => flag(TimeCondition::Year { offset: 1 }),
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
        // The known operators that remain are for locations and for the states of vouchers and campaigns.
        known if OPERATORS.contains(&known) => Err(FilterError::NotEmulated(known.to_owned())),
        _ => Err(FilterError::Malformed),
    }
}
