//! The values of fields.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::kind::FieldKind;
use crate::domain::timestamp;

/// A value of a field. Every value can be converted to the text that responses show. Conversions to a number or moment
/// depend on the [`FieldKind`] of the field, and return `None` for a text in another format.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Moment(DateTime<Utc>),
}

impl Scalar<'_> {
    /// Returns the value as responses show it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => number.to_string().into(),
            Self::Moment(moment) => timestamp::text(*moment).into(),
        }
    }

    /// Returns the value as a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers stay below 2^53")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => number(text),
            Self::Number(number) => Some(*number as f64),
            Self::Moment(_) => None,
        }
    }

    /// Returns the value as a moment, truncated to milliseconds, or to the start of the day if `kind` is
    /// [`FieldKind::Day`].
    #[must_use]
    pub fn moment(&self, kind: FieldKind) -> Option<DateTime<Utc>> {
        let moment = match self {
            Self::Text(text) => moment(text)?,
            Self::Number(_) => return None,
            Self::Moment(moment) => timestamp::truncate_to_millis(*moment),
        };
        Some(if kind == FieldKind::Day { timestamp::start_of_day(moment) } else { moment })
    }
}

/// Parses a decimal number in JSON notation, with limited numbers of digits. `db::filter` accepts the same numbers in
/// SQL.
pub fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits =
        |text: &str, max: usize| (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole, 30)
        && fraction.is_none_or(|fraction| digits(fraction, 30))
        && exponent.is_none_or(|exponent| digits(exponent, 2));
    if is_number { text.parse().ok() } else { None }
}

/// Parses an ISO 8601 date, or a date and time with or without seconds, fraction and offset, truncated to milliseconds.
/// It is stricter than [`timestamp::parse`], because the database function `parse_iso_timestamp` must accept exactly the same
/// texts.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text;
    let year = take_number(&mut rest, 4)?;
    take_prefix(&mut rest, "-")?;
    let month = take_number(&mut rest, 2)?;
    take_prefix(&mut rest, "-")?;
    let day = take_number(&mut rest, 2)?;
    if year == 0 {
        return None;
    }
    let midnight = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_hms_opt(0, 0, 0)?.and_utc();
    if rest.is_empty() {
        return Some(midnight);
    }
    take_prefix(&mut rest, "T")?;
    let hour = take_number(&mut rest, 2).filter(|hour| *hour < 24)?;
    take_prefix(&mut rest, ":")?;
    let minute = take_number(&mut rest, 2).filter(|minute| *minute < 60)?;
    let mut time = TimeDelta::minutes(i64::from(hour * 60 + minute));
    if take_prefix(&mut rest, ":").is_some() {
        time += TimeDelta::seconds(i64::from(take_number(&mut rest, 2).filter(|second| *second < 60)?));
        if take_prefix(&mut rest, ".").is_some() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            let millis: i64 = format!("{:0<3}", &rest[..digits.min(3)]).parse().ok()?;
            time += TimeDelta::milliseconds(millis);
            rest = &rest[digits..];
        }
    }
    let sign = match rest.as_bytes().first() {
        None => return Some(midnight + time),
        Some(b'Z') => return if rest.len() == 1 { Some(midnight + time) } else { None },
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    rest = &rest[1..];
    let hours = take_number(&mut rest, 2).filter(|hours| *hours < 15)?;
    let _ = take_prefix(&mut rest, ":");
    let minutes = take_number(&mut rest, 2).filter(|minutes| *minutes < 60)?;
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes)) * sign;
    if rest.is_empty() { Some(midnight + time - offset) } else { None }
}

/// Removes a number of exactly `width` digits from the start of `rest` and returns it.
fn take_number(rest: &mut &str, width: usize) -> Option<u32> {
    let digits = rest.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    *rest = &rest[width..];
    digits.parse().ok()
}

/// Removes `prefix` from the start of `rest`. Returns `None` if `rest` does not start with it.
fn take_prefix(rest: &mut &str, prefix: &str) -> Option<()> {
    *rest = rest.strip_prefix(prefix)?;
    Some(())
}
