//! The vendor's timestamp format: written in UTC with milliseconds, parsed as ISO 8601.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Timelike, Utc};

/// Appends `time` as `YYYY-MM-DDTHH:mm:ss.SSSZ`.
pub fn write(out: &mut Vec<u8>, time: DateTime<Utc>) {
    fn digits(out: &mut Vec<u8>, number: u32, width: u32) {
        for place in (0..width).rev() {
            out.push(b'0' + u8::try_from(number / 10_u32.pow(place) % 10).unwrap_or(0));
        }
    }
    digits(out, u32::try_from(time.year()).unwrap_or(0), 4);
    out.push(b'-');
    digits(out, time.month(), 2);
    out.push(b'-');
    digits(out, time.day(), 2);
    out.push(b'T');
    digits(out, time.hour(), 2);
    out.push(b':');
    digits(out, time.minute(), 2);
    out.push(b':');
    digits(out, time.second(), 2);
    out.push(b'.');
    digits(out, time.nanosecond() / 1_000_000 % 1_000, 3);
    out.push(b'Z');
}

/// Returns `time` in the format of [`write()`].
#[must_use]
pub fn text(time: DateTime<Utc>) -> String {
    let mut out = Vec::with_capacity(24);
    write(&mut out, time);
    out.into_iter().map(char::from).collect()
}

/// Returns `time` truncated to milliseconds, the precision of responses.
#[must_use]
pub fn truncate_to_millis(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(3)
}

/// Returns the start of the millisecond after the one that contains `time`.
#[must_use]
pub fn next_millisecond(time: DateTime<Utc>) -> DateTime<Utc> {
    truncate_to_millis(time) + TimeDelta::milliseconds(1)
}

/// Returns the start of the day, in UTC, that contains `time`.
#[must_use]
pub fn start_of_day(time: DateTime<Utc>) -> DateTime<Utc> {
    time.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// Parses an ISO 8601 date (`2016-11-16`), or a date and time with or without seconds, fraction and offset. Without an
/// offset, the time is UTC. The year must be 0001 to 9999.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    // In a query string, the plus sign of an offset may have been decoded as a space.
    let text = text.trim().replace(' ', "+");
    // Require four digits, because chrono would parse a shorter year as a year of the first centuries.
    if text.bytes().position(|byte| byte == b'-') != Some(4) {
        return None;
    }
    let time = if let Ok(date) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        date.and_time(NaiveTime::MIN).and_utc()
    } else if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        time.to_utc()
    } else if let Ok(time) = DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        time.to_utc()
    } else if let Ok(time) = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f") {
        time.and_utc()
    } else if let Ok(time) = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%dT%H:%M") {
        time.and_utc()
    } else {
        return None;
    };
    (1..=9999).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds() {
        let time = parse("2024-02-01T11:16:40.918Z").unwrap();
        assert_eq!(text(time), "2024-02-01T11:16:40.918Z");
        assert_eq!(text(time + TimeDelta::microseconds(999)), "2024-02-01T11:16:40.918Z");
        assert_eq!(text(parse("0001-01-01").unwrap()), "0001-01-01T00:00:00.000Z");
    }

    #[test]
    fn common_iso_8601_formats_are_parsed() {
        for (given, meant) in [
            ("2016-11-16", "2016-11-16T00:00:00.000Z"),
            ("2016-11-16T14:14:31Z", "2016-11-16T14:14:31.000Z"),
            ("2016-11-16T14:14:31.5Z", "2016-11-16T14:14:31.500Z"),
            ("2016-11-16T14:14:31.123456Z", "2016-11-16T14:14:31.123Z"),
            ("2016-11-16T16:14:31+02:00", "2016-11-16T14:14:31.000Z"),
            ("2016-11-16T16:14:31 02:00", "2016-11-16T14:14:31.000Z"),
            ("2016-11-16T16:14:31+0200", "2016-11-16T14:14:31.000Z"),
            ("2016-11-16T14:14:31", "2016-11-16T14:14:31.000Z"),
            ("2016-11-16T14:14", "2016-11-16T14:14:00.000Z"),
        ] {
            assert_eq!(parse(given).map(text).as_deref(), Some(meant), "{given}");
        }
        for wrong in [
            "",
            "yesterday",
            "21-06-1995",
            "2016-13-01",
            "2016-02-30",
            "20161116",
            "24-01-01",
            "21-06-19",
            "99999-01-01",
            "1479305671",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
