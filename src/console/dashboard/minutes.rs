//! Numbers of each of the last minutes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::logged_request::LoggedRequest;

/// How many minutes the plots show.
pub const MINUTES: usize = 15;

/// The minutes that the plots show. The last one is not over yet.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    /// The start of the first minute.
    pub start: DateTime<Utc>,
}

impl Minutes {
    /// Returns the minutes up to that of `now`.
    pub fn until(now: DateTime<Utc>) -> Self {
        let minute = now.timestamp().div_euclid(60) - i64::try_from(MINUTES).unwrap_or_default() + 1;
        Self { start: DateTime::from_timestamp(minute * 60, 0).unwrap_or(now) }
    }

    /// Returns the end of the last minute.
    pub fn end(self) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(i64::try_from(MINUTES).unwrap_or_default())
    }

    /// Returns the number of the minute that contains a time; `None` outside of all.
    pub fn index(self, time: DateTime<Utc>) -> Option<usize> {
        let is_inside = self.start <= time && time < self.end();
        is_inside.then(|| usize::try_from((time - self.start).num_minutes()).unwrap_or_default())
    }

    /// Returns the hour and the minute of each, in UTC.
    pub fn labels(self) -> Vec<String> {
        let minute = |index: usize| self.start + TimeDelta::minutes(i64::try_from(index).unwrap_or_default());
        (0..MINUTES).map(|index| minute(index).format("%H:%M").to_string()).collect()
    }
}

/// The classes of statuses that a plot shows: 2xx, 3xx, 4xx, and 5xx with connections that a fault has closed.
pub const STATUS_CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx or none"];

/// The requests of one minute.
#[derive(Clone, Debug, Default)]
pub struct RequestsOfMinute {
    /// How many there were of each of [`STATUS_CLASSES`].
    pub by_class: [u64; STATUS_CLASSES.len()],
    durations_micros: Vec<u64>,
}

impl RequestsOfMinute {
    fn add(&mut self, request: &LoggedRequest) {
        let class = match request.details.status {
            100..=299 => 0,
            300..=399 => 1,
            400..=499 => 2,
            _ => 3,
        };
        self.by_class[class] += 1;
        self.durations_micros.push(request.details.duration_micros);
    }

    /// Returns the duration in milliseconds that so many percent of the requests did not exceed; 0 without a request.
    pub fn percentile_millis(&self, percent: usize) -> f64 {
        let rank = (self.durations_micros.len() * percent).div_ceil(100);
        let micros = rank.checked_sub(1).and_then(|index| self.durations_micros.get(index)).copied();
        #[allow(clippy::cast_precision_loss, reason = "a duration is far below 2^53 microseconds")]
        let micros = micros.unwrap_or_default() as f64;
        micros / 1_000.0
    }
}

/// Returns the requests of each minute.
pub fn requests_of<'a>(
    minutes: Minutes,
    requests: impl IntoIterator<Item = &'a LoggedRequest>,
) -> Vec<RequestsOfMinute> {
    let mut of = vec![RequestsOfMinute::default(); MINUTES];
    for request in requests {
        if let Some(index) = minutes.index(request.details.at) {
            of[index].add(request);
        }
    }
    for minute in &mut of {
        minute.durations_micros.sort_unstable();
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::logged_request::{Details, Texts};

    fn time(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn requests_are_counted_in_their_minute() {
        let minutes = Minutes::until(time("2030-01-01T12:14:59.999Z"));
        assert_eq!((minutes.start, minutes.end()), (time("2030-01-01T12:00:00Z"), time("2030-01-01T12:15:00Z")));
        assert_eq!(minutes.labels()[14], "12:14");
        let request = |at: &str, status: u16, duration_micros: u64| {
            let details = Details { at: time(at), status, duration_micros, ..Details::default() };
            LoggedRequest::new(&Texts::default(), details)
        };
        let requests = [
            request("2030-01-01T11:59:59.999Z", 200, 1),
            request("2030-01-01T12:00:00Z", 200, 1_000),
            request("2030-01-01T12:00:59.999Z", 404, 3_000),
            request("2030-01-01T12:14:00Z", 0, 500),
            request("2030-01-01T12:15:00Z", 200, 1),
        ];
        let of = requests_of(minutes, &requests);
        assert_eq!(of[0].by_class, [1, 0, 1, 0]);
        assert_eq!(of[14].by_class, [0, 0, 0, 1]);
        assert_eq!(of.iter().flat_map(|minute| minute.by_class).sum::<u64>(), 3);
    }

    #[test]
    fn a_percentile_is_the_duration_of_a_request() {
        let of = |durations: std::ops::RangeInclusive<u64>| RequestsOfMinute {
            durations_micros: durations.map(|millis| millis * 1_000).collect(),
            ..RequestsOfMinute::default()
        };
        let percentiles =
            |minute: &RequestsOfMinute| [50, 95].map(|percent| format!("{:.1}", minute.percentile_millis(percent)));
        assert_eq!(percentiles(&of(1..=100)), ["50.0", "95.0"]);
        assert_eq!(percentiles(&of(1..=2)), ["1.0", "2.0"]);
        assert_eq!(percentiles(&of(7..=7)), ["7.0", "7.0"]);
        assert_eq!(percentiles(&RequestsOfMinute::default()), ["0.0", "0.0"]);
    }
}
