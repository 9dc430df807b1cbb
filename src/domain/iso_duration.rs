//! Durations in the format of ISO 8601, such as `P1Y2M3DT4H5M6.7S` or `P2W`.

use chrono::{DateTime, Months, TimeDelta, Utc};

/// A duration. Years and months depend on the date that they are added to, so they are kept apart from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoDuration {
    months: u32,
    rest: TimeDelta,
}

impl IsoDuration {
    /// Parses a duration. Each part is a number without a sign; the last one may have a fraction if it is of hours, minutes or seconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('P')?;
        let (date, time) = match text.split_once('T') {
            Some((_, "")) => return None,
            Some((date, time)) => (date, time),
            None => (text, ""),
        };
        if date.is_empty() && time.is_empty() {
            return None;
        }
        let (mut months, mut millis) = (0_u32, 0_i64);
        let mut units = "YMWD".chars();
        for (number, unit) in parts(date)? {
            // The units must come in their order, each at most once.
            units.by_ref().find(|known| *known == unit)?;
            let number: u32 = number.parse().ok()?;
            match unit {
                'Y' => months = months.checked_add(number.checked_mul(12)?)?,
                'M' => months = months.checked_add(number)?,
                'W' => millis = millis.checked_add(i64::from(number) * 7 * MILLIS_PER_DAY)?,
                _ => millis = millis.checked_add(i64::from(number) * MILLIS_PER_DAY)?,
            }
        }
        let mut units = "HMS".chars();
        let time_parts = parts(time)?;
        let last = time_parts.len();
        for (index, (number, unit)) in time_parts.into_iter().enumerate() {
            units.by_ref().find(|known| *known == unit)?;
            let unit_millis = match unit {
                'H' => 3_600_000,
                'M' => 60_000,
                _ => 1_000,
            };
            millis = millis.checked_add(scaled(number, unit_millis, index + 1 == last)?)?;
        }
        Some(Self { months, rest: TimeDelta::try_milliseconds(millis)? })
    }

    /// Returns the duration of that length; `None` for a negative one.
    #[must_use]
    pub fn of(delta: TimeDelta) -> Option<Self> {
        (delta >= TimeDelta::zero()).then_some(Self { months: 0, rest: delta })
    }

    /// Returns the time this much after `time`; `None` when no such time exists. Where the month has no such day, it is the last one.
    #[must_use]
    pub fn after(self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        time.checked_add_months(Months::new(self.months))?.checked_add_signed(self.rest)
    }
}

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Splits a text such as `1Y2M` into its numbers and units.
fn parts(text: &str) -> Option<Vec<(&str, char)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.' && character != ',')?;
        let unit = rest[end..].chars().next()?;
        if end == 0 || !unit.is_ascii() {
            return None;
        }
        parts.push((&rest[..end], unit));
        rest = &rest[end + 1..];
    }
    Some(parts)
}

/// Returns a number with an optional fraction of at most nine digits, times `unit`, rounded down to an integer.
fn scaled(number: &str, unit: i64, may_have_fraction: bool) -> Option<i64> {
    let Some((whole, fraction)) = number.split_once(['.', ',']) else {
        return i64::from(number.parse::<u32>().ok()?).checked_mul(unit);
    };
    if !may_have_fraction || !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let billionths: i64 = format!("{fraction:0<9}").parse().ok()?;
    i64::from(whole.parse::<u32>().ok()?).checked_mul(unit)?.checked_add(unit * billionths / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(duration: &str) -> Option<String> {
        let start = DateTime::parse_from_rfc3339("2024-01-31T00:00:00Z").unwrap().to_utc();
        let later = IsoDuration::parse(duration)?.after(start)?;
        Some(later.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }

    #[test]
    fn each_part_is_added() {
        for (duration, expected) in [
            ("P1D", "2024-02-01T00:00:00.000Z"),
            ("P1DT2H", "2024-02-01T02:00:00.000Z"),
            ("PT1.5S", "2024-01-31T00:00:01.500Z"),
            ("PT0,25H", "2024-01-31T00:15:00.000Z"),
            ("P1M", "2024-02-29T00:00:00.000Z"),
            ("P1Y1M", "2025-02-28T00:00:00.000Z"),
            ("P2W", "2024-02-14T00:00:00.000Z"),
            ("PT0S", "2024-01-31T00:00:00.000Z"),
        ] {
            assert_eq!(after(duration).as_deref(), Some(expected), "{duration}");
        }
    }

    #[test]
    fn a_malformed_duration_is_refused() {
        for duration in [
            "",
            "P",
            "PT",
            "1D",
            "-P1D",
            "P-1D",
            "P1",
            "P1H",
            "PT1D",
            "P1D1Y",
            "P1D1D",
            "P1.5D",
            "PT1.5H1M",
            "PT1.S",
            "Pé",
            "P99999999999D",
        ] {
            assert_eq!(IsoDuration::parse(duration), None, "{duration}");
        }
        assert_eq!(after("P4000000000Y"), None);
        assert_eq!(after("P999999Y"), None);
    }
}
