//! Reads an uploaded CSV file row by row.

use std::io::{Chain, Read};

use csv::{ErrorKind as CsvError, Reader, ReaderBuilder, StringRecord};
use tempfile::SpooledTempFile;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::error::{ApiError, ErrorKind};
use crate::domain::job::{Record, Slice, Slicer};

/// A row that is appended to the file. If a quoted cell is not closed, the parser takes this row as part of that cell; so a separate
/// last row proves that every quoted cell was closed.
const END_MARKER: &[u8] = b"\n.\n";
/// How many slices may wait to be stored.
const CHANNEL_CAPACITY: usize = 2;
const BUFFER_BYTES: usize = 64 * 1024;

/// A CSV file whose header row has been read.
pub struct CsvRows {
    reader: Reader<Chain<SpooledTempFile, &'static [u8]>>,
    /// The next row. It is read one row ahead, because the last row is the end marker and not part of the file.
    next: StringRecord,
}

impl CsvRows {
    /// Opens a file and parses its first row by `header`, whose error text becomes the details of a 400. The line endings LF and CRLF are
    /// accepted, with or without a byte order mark. Cells with commas, quotes or line breaks must be quoted.
    pub async fn open<T: Send + 'static>(
        file: SpooledTempFile,
        header: impl FnOnce(&StringRecord) -> Result<T, String> + Send + 'static,
    ) -> Result<(T, Self), ApiError> {
        let opening = spawn_blocking(move || {
            let reader = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(BUFFER_BYTES)
                .from_reader(file.chain(END_MARKER));
            let mut rows = Self { reader, next: StringRecord::new() };
            rows.read_ahead()?;
            let mut first = StringRecord::new();
            if !rows.next(&mut first)? {
                return Err(ApiError::invalid_payload("Property .file must NOT be empty"));
            }
            Ok((header(&first).map_err(ApiError::invalid_payload)?, rows))
        });
        opening.await.map_err(|error| ApiError::new(ErrorKind::Internal).with_cause(&error))?
    }

    /// Returns the rows as slices of records. The file is read on the blocking thread pool while the slices are consumed.
    pub fn slices(self, record: impl FnMut(&StringRecord) -> Record + Send + 'static) -> Slices {
        let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        spawn_blocking(move || {
            let mut slicer = Slicer::default();
            let end = self.send(&mut slicer, &sender, record).map(|()| None);
            let rest = slicer.take_remainder().filter(|_| end.is_ok()).map(|slice| Ok(Some(slice)));
            // Sending fails when the receiver is gone; then the rest is not needed.
            let _ = rest.into_iter().chain([end]).try_for_each(|slice| sender.blocking_send(slice));
        });
        Slices(receiver)
    }

    fn send(
        mut self,
        slicer: &mut Slicer,
        sender: &mpsc::Sender<Sliced>,
        mut record: impl FnMut(&StringRecord) -> Record,
    ) -> Result<(), ApiError> {
        let mut row = StringRecord::new();
        while self.next(&mut row)? {
            if let Some(slice) = slicer.push(record(&row))
                && sender.blocking_send(Ok(Some(slice))).is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the next row; `false` when there is none.
    fn next(&mut self, row: &mut StringRecord) -> Result<bool, ApiError> {
        std::mem::swap(row, &mut self.next);
        let is_row = self.read_ahead()?;
        // The last row must be the end marker; otherwise a quoted cell was not closed. A file with only a byte order mark has no row.
        if !is_row && !row.is_empty() && (row.len() != 1 || &row[0] != ".") {
            return Err(ApiError::invalid_payload("Property .file must NOT end within a quoted cell"));
        }
        Ok(is_row)
    }

    fn read_ahead(&mut self) -> Result<bool, ApiError> {
        let line = self.reader.position().line();
        let wrong = |what: &str| {
            ApiError::invalid_payload(format!("Property .file must be CSV in UTF-8; the row at line {line} {what}"))
        };
        match self.reader.read_record(&mut self.next) {
            Ok(true) if self.next.as_slice().contains('\0') => Err(wrong("contains the character U+0000")),
            Ok(is_row) => Ok(is_row),
            Err(error) => Err(match error.kind() {
                CsvError::Utf8 { .. } => wrong("is not UTF-8"),
                _ => ApiError::new(ErrorKind::Internal).with_cause(&error),
            }),
        }
    }
}

/// A slice, or `None` after the last one.
type Sliced = Result<Option<Slice>, ApiError>;

/// The rows of a file as slices of records.
pub struct Slices(mpsc::Receiver<Sliced>);

impl Slices {
    /// Returns the next slice; `None` after the last one.
    pub async fn next(&mut self) -> Sliced {
        let sent = self.0.recv().await;
        sent.unwrap_or_else(|| {
            Err(ApiError::new(ErrorKind::Internal).with_cause("the task that reads the CSV file stopped unexpectedly"))
        })
    }
}
