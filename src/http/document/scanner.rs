//! Splits a JSON document into its values, without parsing them.

use std::io;

use super::spool::Spool;

const BUFFER_BYTES: usize = 64 * 1024;

/// Why a document cannot be split. The number is the position in the document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    #[error("malformed JSON")]
    Malformed(u64),
    #[error("a value is too large")]
    TooLarge(u64),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a document forward from any position. It finds where values begin and end; whether a value is valid JSON is left to
/// the parser of the value.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    spool: &'a Spool,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    /// The position of the end of the buffer in the document.
    position_of_end: u64,
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at that position.
    pub fn at(spool: &'a Spool, position: u64) -> Self {
        Self { spool, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, position_of_end: position }
    }

    /// Returns the position of the next byte.
    pub fn position(&self) -> u64 {
        self.position_of_end - u64::try_from(self.end - self.start).unwrap_or_default()
    }

    /// Reads more bytes when all are used. Returns `false` at the end of the document.
    fn fill(&mut self) -> Result<bool, ScanError> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.spool.read_at(&mut self.buffer, self.position_of_end)?;
            self.position_of_end += u64::try_from(self.end).unwrap_or_default();
        }
        Ok(self.start < self.end)
    }

    /// Skips white space, and returns the next byte without reading it; `None` at the end of the document.
    pub fn peek(&mut self) -> Result<Option<u8>, ScanError> {
        while self.fill()? {
            match self.buffer[self.start] {
                b' ' | b'\n' | b'\r' | b'\t' => self.start += 1,
                byte => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// Skips white space and reads the next byte, if it is `byte`.
    pub fn take(&mut self, byte: u8) -> Result<bool, ScanError> {
        let is_next = self.peek()? == Some(byte);
        self.start += usize::from(is_next);
        Ok(is_next)
    }

    /// Skips white space and reads the next byte, which must be `byte`.
    pub fn expect(&mut self, byte: u8) -> Result<(), ScanError> {
        if self.take(byte)? { Ok(()) } else { Err(ScanError::Malformed(self.position())) }
    }

    /// Reads the next value into `text`, which may not be larger than `max` bytes.
    pub fn read_value(&mut self, text: &mut Vec<u8>, max: usize) -> Result<(), ScanError> {
        text.clear();
        self.peek()?;
        let position = self.position();
        self.value(|part| {
            text.extend_from_slice(part);
            if text.len() > max { Err(ScanError::TooLarge(position)) } else { Ok(()) }
        })
    }

    /// Skips the next value.
    pub fn skip_value(&mut self) -> Result<(), ScanError> {
        self.peek()?;
        self.value(|_| Ok(()))
    }

    /// Reads a value, of which `take` receives the parts.
    fn value(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), ScanError>) -> Result<(), ScanError> {
        let (mut depth, mut in_string, mut is_escaped, mut is_begun) = (0_usize, false, false, false);
        while self.fill()? {
            let part = &self.buffer[self.start..self.end];
            let mut used = None;
            for (index, byte) in part.iter().enumerate() {
                if in_string {
                    match byte {
                        _ if is_escaped => is_escaped = false,
                        b'\\' => is_escaped = true,
                        b'"' => {
                            in_string = false;
                            if depth == 0 {
                                used = Some(index + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth > 1 => depth -= 1,
                    b'}' | b']' if depth == 1 => {
                        depth = 0;
                        used = Some(index + 1);
                        break;
                    }
                    b'}' | b']' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => {
                        used = Some(index);
                        break;
                    }
                    _ => {}
                }
                is_begun = true;
            }
            let length = used.unwrap_or(part.len());
            is_begun |= length > 0;
            take(&part[..length])?;
            self.start += length;
            if used.is_some() {
                return if is_begun { Ok(()) } else { Err(ScanError::Malformed(self.position())) };
            }
        }
        // At the end of the document only a number or a word is complete.
        if is_begun && depth == 0 && !in_string { Ok(()) } else { Err(ScanError::Malformed(self.position())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str) -> Result<Vec<String>, ScanError> {
        let spool = Spool::Memory(json.as_bytes().to_vec());
        let mut scanner = Scanner::at(&spool, 0);
        let (mut found, mut text) = (Vec::new(), Vec::new());
        scanner.expect(b'[')?;
        if scanner.take(b']')? {
            return Ok(found);
        }
        loop {
            scanner.read_value(&mut text, 40)?;
            found.push(String::from_utf8(text.clone()).unwrap());
            if scanner.take(b']')? {
                return Ok(found);
            }
            scanner.expect(b',')?;
        }
    }

    #[test]
    fn values_are_split_at_their_ends() {
        let found = values(r#" [1, "a,]\"\\" ,{"b":[{"c":"}"}]},true , [ [] ],null]"#).unwrap();
        assert_eq!(found, ["1", r#""a,]\"\\""#, r#"{"b":[{"c":"}"}]}"#, "true", "[ [] ]", "null"]);
        assert!(values("[]").unwrap().is_empty());
    }

    #[test]
    fn an_incomplete_document_is_malformed() {
        for json in ["", "[", "[1", "[1,", "[,]", "[{", "[\"a", "{}"] {
            assert!(matches!(values(json), Err(ScanError::Malformed(_))), "{json}");
        }
        assert!(matches!(values("[1 2]"), Err(ScanError::Malformed(3))));
    }

    #[test]
    fn a_large_value_is_refused_and_a_value_is_read_across_buffers() {
        assert!(matches!(values(&format!("[1,\"{}\"]", "x".repeat(40))), Err(ScanError::TooLarge(3))));
        let json = format!("{}\"{}\"", " ".repeat(BUFFER_BYTES - 3), "y".repeat(2 * BUFFER_BYTES));
        let spool = Spool::Memory(json.into_bytes());
        let (mut scanner, mut text) = (Scanner::at(&spool, 0), Vec::new());
        scanner.read_value(&mut text, usize::MAX).unwrap();
        assert_eq!(text.len(), 2 * BUFFER_BYTES + 2);
        assert_eq!(scanner.peek().unwrap(), None);
    }
}
