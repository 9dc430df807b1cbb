//! Lines of CSV files: comma separated, quoted where they must be, ended by a line feed.

use csv_core::{WriteResult, Writer};

/// A line of these cells, with its end.
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
}

impl Default for Line {
    fn default() -> Self {
        Self { writer: Writer::new(), out: Vec::with_capacity(128), cells: 0 }
    }
}

impl Line {
    /// Adds a cell.
    pub fn cell(&mut self, text: &str) -> &mut Self {
        if self.cells > 0 {
            self.write(|writer, out| {
                let (result, written) = writer.delimiter(out);
                (result, 0, written)
            });
        }
        self.cells += 1;
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let read = self.write(|writer, out| writer.field(rest, out));
            rest = &rest[read..];
        }
        self
    }

    /// Ends the line, which is taken, and begins another.
    pub fn end(&mut self) -> String {
        self.write(|writer, out| {
            let (result, written) = writer.terminator(out);
            (result, 0, written)
        });
        self.cells = 0;
        let line = std::mem::replace(&mut self.out, Vec::with_capacity(128));
        // Only cells of text and ASCII went in.
        String::from_utf8(line).unwrap_or_default()
    }

    /// Lets the writer write until it has room enough, and returns how much it has read.
    fn write(&mut self, mut step: impl FnMut(&mut Writer, &mut [u8]) -> (WriteResult, usize, usize)) -> usize {
        let mut room = 64;
        loop {
            let begin = self.out.len();
            self.out.resize(begin + room, 0);
            let (result, read, written) = step(&mut self.writer, &mut self.out[begin..]);
            self.out.truncate(begin + written);
            if read > 0 || result == WriteResult::InputEmpty {
                return read;
            }
            room *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
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
}
