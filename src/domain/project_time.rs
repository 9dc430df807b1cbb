//! The current time of a project. It runs ahead of the clock while a job has just written more rows than milliseconds have
//! passed.

use chrono::{DateTime, TimeDelta, Utc};

/// The distance between two rows of a job. It is the precision of the cursors of lists, so that no cursor lies between
/// rows that show the same time.
const JOB_ROW_INTERVAL: TimeDelta = TimeDelta::milliseconds(1);

/// The times of the rows that the jobs of a project have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRowTimes {
    /// The time of the last row.
    pub last: DateTime<Utc>,
    /// The time of the clock when that row was written.
    pub written_at: DateTime<Utc>,
}

/// The current time of a project.
///
/// Each row that a job creates or changes shows a millisecond of its own, so a job that writes a thousand rows in a tenth
/// of a second ends ahead of the clock. What is written next shows a later time than the job's rows: the time of the
/// project then runs at half speed until the clock has caught up. While the clock is frozen, a single write shows exactly
/// the time of the clock.
#[derive(Clone, Copy, Debug)]
pub struct ProjectTime {
    /// The time of the clock.
    pub clock: DateTime<Utc>,
    is_frozen: bool,
    job_rows: Option<JobRowTimes>,
}

impl ProjectTime {
    /// Returns the time of a project whose jobs have written rows at `job_rows`. If the clock was set back since then, the
    /// rows do not count.
    #[must_use]
    pub fn new(clock: DateTime<Utc>, is_frozen: bool, job_rows: Option<JobRowTimes>) -> Self {
        // A frozen clock that shows another time than at the rows was set.
        let is_relevant =
            |rows: &JobRowTimes| if is_frozen { rows.written_at == clock } else { rows.written_at <= clock };
        Self { clock, is_frozen, job_rows: job_rows.filter(is_relevant) }
    }

    /// Returns the time that a single write shows.
    #[must_use]
    pub fn of_write(&self) -> DateTime<Utc> {
        match self.job_rows {
            Some(rows) if !self.is_frozen => {
                self.clock.max(rows.last + JOB_ROW_INTERVAL + (self.clock - rows.written_at) / 2)
            }
            _ => self.clock,
        }
    }

    /// Returns the time at which filters are evaluated. No row of the project is later.
    #[must_use]
    pub fn of_evaluation(&self) -> DateTime<Utc> {
        self.job_rows.map_or(self.clock, |rows| self.of_write().max(rows.last))
    }

    /// Returns the time of the next row of a job, after `previous` in the same transaction.
    #[must_use]
    pub fn of_job_row(&self, previous: Option<DateTime<Utc>>) -> DateTime<Utc> {
        if let Some(previous) = previous {
            return previous + JOB_ROW_INTERVAL;
        }
        // The microsecond puts the row after single writes of the same time.
        let first = self.of_write() + TimeDelta::microseconds(1);
        self.job_rows.map_or(first, |rows| first.max(rows.last + JOB_ROW_INTERVAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    fn after_job(clock: i64, is_frozen: bool) -> ProjectTime {
        // At the time 100 a job wrote rows up to the time 1100.
        ProjectTime::new(at(clock), is_frozen, Some(JobRowTimes { last: at(1_100), written_at: at(100) }))
    }

    #[test]
    fn without_jobs_it_is_the_time_of_the_clock() {
        let time = ProjectTime::new(at(5), false, None);
        assert_eq!((time.of_write(), time.of_evaluation()), (at(5), at(5)));
    }

    #[test]
    fn after_a_job_it_increases_until_the_clock_has_caught_up() {
        let mut previous = at(1_100);
        for clock in 100..3_000 {
            let time = after_job(clock, false).of_write();
            assert!(time > previous && time >= at(clock), "{clock}: {time}");
            assert!(time - at(clock) <= TimeDelta::milliseconds(1_001), "{clock}: {time}");
            previous = time;
        }
        assert_eq!(after_job(2_102, false).of_write(), at(2_102));
        assert_eq!(after_job(2_101, false).of_write(), at(2_101) + TimeDelta::microseconds(500));
    }

    #[test]
    fn a_clock_that_was_set_back_is_followed() {
        assert_eq!(after_job(99, false).of_write(), at(99));
        assert_eq!(after_job(99, true).of_job_row(None), at(99) + TimeDelta::microseconds(1));
    }

    #[test]
    fn while_the_clock_is_frozen_only_jobs_run_ahead() {
        let time = after_job(100, true);
        assert_eq!((time.of_write(), time.of_evaluation()), (at(100), at(1_100)));
        assert_eq!(time.of_job_row(None), at(1_101));
        // The count begins anew when the clock is set, also to a time before the last row.
        let time = after_job(500, true);
        assert_eq!((time.of_write(), time.of_evaluation()), (at(500), at(500)));
        assert_eq!(time.of_job_row(None), at(500) + TimeDelta::microseconds(1));
    }

    #[test]
    fn rows_of_a_job_show_a_millisecond_of_their_own() {
        let time = after_job(200, false);
        let first = time.of_job_row(None);
        assert_eq!(first, at(1_151) + TimeDelta::microseconds(1));
        assert_eq!(time.of_job_row(Some(first)), first + TimeDelta::milliseconds(1));
    }
}
