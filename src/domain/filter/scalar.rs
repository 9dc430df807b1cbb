//! One value of a field.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Kind;
use crate::domain::timestamp;

/// A value as it is held. Each can be read as text, the way answers show it; how else it can be read depends on the field's
/// [`Kind`], and text that does not look the part is no number and no moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Moment(DateTime<Utc>),
}

impl Scalar<'_> {
    /// The value as answers show it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => number.to_string().into(),
            Self::Moment(moment) => timestamp::text(*moment).into(),
        }
    }

    /// The value as a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers stay below 2^53")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => number(text),
            Self::Number(number) => Some(*number as f64),
            Self::Moment(_) => None,
        }
    }

    /// The value as a moment, in milliseconds; of a day, its first.
    #[must_use]
    pub fn moment(&self, kind: Kind) -> Option<DateTime<Utc>> {
        let moment = match self {
            Self::Text(text) => moment(text)?,
            Self::Number(_) => return None,
            Self::Moment(moment) => timestamp::shown(*moment),
        };
        Some(if kind == Kind::Day { timestamp::day(moment) } else { moment })
    }
}

/// Reads a decimal number as JSON writes it, below 10^100. `db::filter` reads the same in SQL.
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
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole, 30)
        && fraction.is_none_or(|fraction| digits(fraction, 30))
        && exponent.is_none_or(|exponent| digits(exponent, 2));
    if is_number { text.parse().ok() } else { None }
}

/// Reads an ISO 8601 date, or date and time with or without seconds, fraction and offset, in milliseconds. It is stricter than
/// [`timestamp::parse`], so that the function `filter_moment` of the database can read exactly the same.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text;
    let year = number_of(&mut rest, 4)?;
    expect(&mut rest, "-")?;
    let month = number_of(&mut rest, 2)?;
    expect(&mut rest, "-")?;
    let day = number_of(&mut rest, 2)?;
    if year == 0 {
        return None;
    }
    let midnight = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_hms_opt(0, 0, 0)?.and_utc();
    if rest.is_empty() {
        return Some(midnight);
    }
    expect(&mut rest, "T")?;
    let hour = number_of(&mut rest, 2).filter(|hour| *hour < 24)?;
    expect(&mut rest, ":")?;
    let minute = number_of(&mut rest, 2).filter(|minute| *minute < 60)?;
    let mut time = TimeDelta::minutes(i64::from(hour * 60 + minute));
    if expect(&mut rest, ":").is_some() {
        time += TimeDelta::seconds(i64::from(number_of(&mut rest, 2).filter(|second| *second < 60)?));
        if expect(&mut rest, ".").is_some() {
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
    let hours = number_of(&mut rest, 2).filter(|hours| *hours < 15)?;
    let _ = expect(&mut rest, ":");
    let minutes = number_of(&mut rest, 2).filter(|minutes| *minutes < 60)?;
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes)) * sign;
    if rest.is_empty() { Some(midnight + time - offset) } else { None }
}

/// Takes a number of exactly `width` digits off the front of `rest`.
fn number_of(rest: &mut &str, width: usize) -> Option<u32> {
    let digits = rest.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    *rest = &rest[width..];
    digits.parse().ok()
}

/// Takes `what` off the front of `rest`.
fn expect(rest: &mut &str, what: &str) -> Option<()> {
    *rest = rest.strip_prefix(what)?;
    Some(())
}
