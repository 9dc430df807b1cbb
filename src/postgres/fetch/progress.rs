//! Shows the progress of a download in the last line of the terminal.

use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The least time between two changes of the line.
const INTERVAL: Duration = Duration::from_millis(100);
/// Erases the line and returns to its start.
const ERASE: &str = "\r\x1b[K";
const BAR_COLUMNS: u64 = 30;

/// The line with the progress, which is erased when the value is dropped.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
    changed: Option<Instant>,
}

impl Progress {
    pub fn new(is_shown: bool) -> Self {
        Self { is_shown, changed: None }
    }

    /// Shows how many bytes were received, of `total` where that is known.
    pub fn show(&mut self, received: u64, total: Option<u64>) {
        if self.is_shown && self.changed.is_none_or(|changed| changed.elapsed() >= INTERVAL) {
            self.changed = Some(Instant::now());
            // A terminal that was closed is no reason to stop.
            let _ = write!(io::stderr(), "{ERASE}{}", line(received, total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.changed.is_some() {
            let _ = write!(io::stderr(), "{ERASE}");
        }
    }
}

fn line(received: u64, total: Option<u64>) -> String {
    let megabytes = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    let Some(total) = total.filter(|total| *total >= received && *total > 0) else {
        return format!("fetching PostgreSQL: {} MB", megabytes(received));
    };
    let done = usize::try_from(received * BAR_COLUMNS / total).unwrap_or_default();
    let bar = "#".repeat(done);
    let percent = received * 100 / total;
    format!("fetching PostgreSQL [{bar:<30}] {percent:>3} % of {} MB", megabytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_a_bar_where_the_total_is_known() {
        let half = line(15_000_000, Some(30_550_000));
        assert_eq!(half, "fetching PostgreSQL [##############                ]  49 % of 30.5 MB");
        assert_eq!(line(2, Some(2)), format!("fetching PostgreSQL [{}] 100 % of 0.0 MB", "#".repeat(30)));
        assert_eq!(line(1_240_000, None), "fetching PostgreSQL: 1.2 MB");
    }
}
