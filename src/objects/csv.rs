//! Writes lines of CSV files: separated by commas, quoted only where required, ended by a line feed.

use std::io::Write;

use chrono::{DateTime, Utc};
use csv_core::{WriteResult, Writer};

use crate::domain::timestamp;

/// Returns a line of these cells, including its line feed.
#[must_use]
pub fn line(cells: &[&str]) -> String {
    let mut line = Line::default();
    for cell in cells {
        line.cell(cell);
    }
    line.end()
}

/// Writes one line, cell by cell.
pub struct Line {
    writer: Writer,
    out: Vec<u8>,
    cells: usize,
    /// Reused buffer for cells that are formatted first.
    scratch: Vec<u8>,
}

impl Default for Line {
    fn default() -> Self {
        Self { writer: Writer::new(), out: Vec::with_capacity(128), cells: 0, scratch: Vec::new() }
    }
}

impl Line {
    /// Adds a cell.
    pub fn cell(&mut self, text: &str) -> &mut Self {
        self.bytes_cell(text.as_bytes())
    }

    /// Adds a cell with a time; empty for `None`.
    pub fn time(&mut self, time: Option<DateTime<Utc>>) -> &mut Self {
        self.formatted(|out| {
            if let Some(time) = time {
                timestamp::write(out, time);
            }
        })
    }

    /// Adds a cell with a number.
    pub fn number(&mut self, number: i64) -> &mut Self {
        self.formatted(|out| {
            // Writing to a buffer cannot fail.
            let _ = write!(out, "{number}");
        })
    }

    /// Adds a cell with a JSON value: a string without its quotes, `null` or `None` as an empty cell, anything else as
    /// JSON.
    pub fn json(&mut self, json: Option<&str>) -> &mut Self {
        match json {
            None | Some("null") => self.cell(""),
            Some(json) => match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(plain) if !plain.contains('\\') => self.cell(plain),
                Some(_) => self.cell(&serde_json::from_str::<String>(json).unwrap_or_default()),
                None => self.cell(json),
            },
        }
    }

    fn formatted(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        self.bytes_cell(&scratch);
        self.scratch = scratch;
        self
    }

    fn bytes_cell(&mut self, text: &[u8]) -> &mut Self {
        if self.cells > 0 {
            self.write(|writer, out| {
                let (result, written) = writer.delimiter(out);
                (result, 0, written)
            });
        }
        self.cells += 1;
        let mut rest = text;
        while !rest.is_empty() {
            let read = self.write(|writer, out| writer.field(rest, out));
            rest = &rest[read..];
        }
        self
    }

    /// Ends the line and returns it; the next cell begins a new line.
    pub fn end(&mut self) -> String {
        self.write(|writer, out| {
            let (result, written) = writer.terminator(out);
            (result, 0, written)
        });
        self.cells = 0;
        // The next line is likely to be about as long.
        let next = Vec::with_capacity(self.out.len() + 32);
        let line = std::mem::replace(&mut self.out, next);
        // Cells are valid UTF-8, and the writer adds only ASCII.
        String::from_utf8(line).unwrap_or_default()
    }

    /// Repeats `step` with a larger output buffer until it succeeds, and returns how many bytes of input it has read.
    fn write(&mut self, mut step: impl FnMut(&mut Writer, &mut [u8]) -> (WriteResult, usize, usize)) -> usize {
        let mut capacity = 64;
        loop {
            let begin = self.out.len();
            self.out.resize(begin + capacity, 0);
            let (result, read, written) = step(&mut self.writer, &mut self.out[begin..]);
            self.out.truncate(begin + written);
            if read > 0 || result == WriteResult::InputEmpty {
                return read;
            }
            capacity *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_only_where_required() {
        let long = "x".repeat(1000);
        for (cells, text) in [
            (&["a", "b c", "", "é"][..], "a,b c,,é\n".to_owned()),
            (
                &["a,b", "say \"hi\"", "two\nlines", "=1+1"],
                "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",=1+1\n".to_owned(),
            ),
            (&[""], "\"\"\n".to_owned()),
            (&[&long, "\""], format!("{long},\"\"\"\"\n")),
        ] {
            assert_eq!(line(cells), text);
        }
    }

    #[test]
    fn times_numbers_and_json_are_written_as_cells() {
        let mut line = Line::default();
        line.time(timestamp::parse("2024-02-01T11:16:40.918Z")).time(None).number(-5);
        for json in [None, Some("null"), Some("\"a\""), Some("\"a\\n\\u00e9\""), Some("1.5"), Some("[1,\"a\"]")] {
            line.json(json);
        }
        assert_eq!(line.end(), "2024-02-01T11:16:40.918Z,,-5,,,a,\"a\né\",1.5,\"[1,\"\"a\"\"]\"\n");
        assert_eq!(line.number(1).end(), "1\n");
    }
}
