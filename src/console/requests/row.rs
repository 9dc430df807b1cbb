//! A request as a row of the table.

use crate::console::components::{Cell, Row};
use crate::console::link::encoded;
use crate::console::project::Project;
use crate::domain::logged_request::LoggedRequest;

pub const COLUMNS: [&str; 7] = ["Time (UTC)", "Method", "Path", "Status", "Duration", "Operation", "Fault"];

/// The links of the rows of one project.
#[derive(Clone, Debug)]
pub struct Links {
    requests: String,
    faults: String,
}

impl Links {
    pub fn of(project: &Project) -> Self {
        Self { requests: project.link("/requests"), faults: project.link("/controls/faults") }
    }

    /// Returns the row of a request. The page of the request also shows the date.
    pub fn row(&self, request: &LoggedRequest) -> Row {
        let (texts, details) = (request.texts(), &request.details);
        vec![
            Cell::time(details.at.format("%H:%M:%S%.3f").to_string()),
            Cell::text(texts.method),
            Cell { class: "code", ..Cell::text(texts.path) }.to(format!("{}/{}", self.requests, encoded(texts.id))),
            status(details.status),
            Cell { class: "number", ..Cell::text(duration(details.duration_micros)) },
            Cell { class: "nowrap", ..Cell::text(details.operation.unwrap_or_default()) },
            self.fault(request),
        ]
    }

    /// Returns the fault that hit a request.
    pub fn fault(&self, request: &LoggedRequest) -> Cell {
        match request.details.fault.as_deref() {
            Some(fault) => Cell { class: "code", ..Cell::text(fault) }.to(&self.faults),
            None => Cell::text(""),
        }
    }
}

/// Returns the status of an answer.
pub fn status(status: u16) -> Cell {
    match status {
        0 => Cell::badge("no answer", "bad"),
        200..=299 => Cell::badge(status.to_string(), "good"),
        400..=499 => Cell::badge(status.to_string(), "busy"),
        500.. => Cell::badge(status.to_string(), "bad"),
        _ => Cell::badge(status.to_string(), ""),
    }
}

/// Returns a duration in milliseconds.
pub fn duration(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros / 100 % 10)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_in_milliseconds() {
        assert_eq!([99, 1_449, 12_000_000].map(duration), ["0.0 ms", "1.4 ms", "12000.0 ms"]);
    }
}
