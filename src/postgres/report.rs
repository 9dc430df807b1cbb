//! What the programs of PostgreSQL report when they fail, as one line of a message.

/// What precedes the text of an error in the output of `postgres` and `initdb`.
const MARKERS: [&str; 3] = ["FATAL:  ", "PANIC:  ", "error: "];
/// Errors that a PostgreSQL reports to clients that connect too early.
const NOT_YET: [&str; 3] = ["the database system is starting up", "not yet accepting", "is shutting down"];
/// How many lines of an output are quoted.
const MAX_LINES: usize = 3;

/// Returns the errors in an output; its last lines where it has none.
pub fn errors(output: &str) -> String {
    let mut found: Vec<&str> = Vec::new();
    for line in output.lines() {
        let error = MARKERS.iter().find_map(|marker| line.split_once(marker)).map(|(_, error)| error.trim());
        if let Some(error) = error.filter(|error| !found.contains(error))
            && !NOT_YET.iter().any(|text| error.contains(text))
        {
            found.push(error);
        }
    }
    if found.is_empty() {
        found = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        found.drain(..found.len().saturating_sub(MAX_LINES));
    }
    found.truncate(MAX_LINES);
    found.join("; ")
}

/// Returns what to do about a report of a PostgreSQL that does not start with data that is kept.
pub fn advice(report: &str) -> &'static str {
    let has = |text: &str| report.contains(text);
    match () {
        () if has("No space left on device") || has("quota") => "Make room on the disk, or choose another --data-dir",
        () if has("shared memory") || has("Cannot allocate memory") => {
            "Give the emulator more memory, or set DATABASE_URL to a running PostgreSQL"
        }
        () if has("Permission denied") || has("Read-only file system") => {
            "Correct the access to the directory, or choose another --data-dir"
        }
        () => {
            "If the data is damaged, replace the directory by a copy, or choose another --data-dir to start without the data"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_quoted_once_without_time_and_process() {
        let log = "2026-01-01 00:00:00.000 UTC [7] LOG:  starting PostgreSQL 15.18\n\
                   2026-01-01 00:00:00.000 UTC [8] FATAL:  the database system is starting up\n\
                   2026-01-01 00:00:00.000 UTC [9] PANIC:  could not locate a valid checkpoint record\n\
                   2026-01-01 00:00:00.000 UTC [9] PANIC:  could not locate a valid checkpoint record\n\
                   2026-01-01 00:00:00.000 UTC [7] LOG:  aborting startup due to startup process failure\n";
        assert_eq!(errors(log), "could not locate a valid checkpoint record");
        let initdb = "initdb: error: could not create directory \"/d\": No space left on device\n";
        assert_eq!(errors(initdb), "could not create directory \"/d\": No space left on device");
        let other = "postgres: could not find the database system\nExpected to find it\n\n";
        assert_eq!(errors(other), "postgres: could not find the database system; Expected to find it");
        assert_eq!(errors(""), "");
    }

    #[test]
    fn advice_depends_on_the_cause() {
        assert!(advice("could not write: No space left on device").starts_with("Make room"));
        assert!(advice("could not map anonymous shared memory: Cannot allocate memory").contains("more memory"));
        assert!(advice("could not open file: Permission denied").contains("access"));
        assert!(advice("incorrect checksum in control file").contains("damaged"));
    }
}
