//! A CSV file that was uploaded, row by row.

use std::io::{Chain, Read};

use csv::{ErrorKind as CsvError, Reader, ReaderBuilder, StringRecord};
use tempfile::SpooledTempFile;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::error::{ApiError, ErrorKind};
use crate::domain::job::{Record, Slice, Slicer};

/// Read behind the file. Where it is a row of its own, the last quoted cell of the file was closed.
const END: &[u8] = b"\n.\n";
/// Slices that wait to be written at the most.
const AHEAD: usize = 2;
const BUFFER_BYTES: usize = 64 * 1024;

/// A file whose first line has been read.
pub struct CsvRows {
    reader: Reader<Chain<SpooledTempFile, &'static [u8]>>,
    /// Read ahead, since the last row is not of the file.
    next: StringRecord,
}

impl CsvRows {
    /// Opens a file, and reads its first line by `header`, whose errors are the details of a 400. Of both line endings, with or
    /// without a byte order mark; cells that hold commas, quotes and line ends are quoted.
    pub async fn open<T: Send + 'static>(
        file: SpooledTempFile,
        header: impl FnOnce(&StringRecord) -> Result<T, String> + Send + 'static,
    ) -> Result<(T, Self), ApiError> {
        let opening = spawn_blocking(move || {
            let reader = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(BUFFER_BYTES)
                .from_reader(file.chain(END));
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

    /// The rows as slices of records, read beside the threads that answer requests while the slices are taken.
    pub fn slices(self, record: impl FnMut(&StringRecord) -> Record + Send + 'static) -> Slices {
        let (sender, receiver) = mpsc::channel(AHEAD);
        spawn_blocking(move || {
            let mut slicer = Slicer::default();
            let end = self.send(&mut slicer, &sender, record).map(|()| None);
            let rest = slicer.rest().filter(|_| end.is_ok()).map(|slice| Ok(Some(slice)));
            // An error means that nobody wants them any more.
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

    /// Reads the next row; `false` where there is none.
    fn next(&mut self, row: &mut StringRecord) -> Result<bool, ApiError> {
        std::mem::swap(row, &mut self.next);
        let is_row = self.read_ahead()?;
        // Of a byte order mark alone, nothing is read.
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

/// A slice, or `None` behind the last.
type Sliced = Result<Option<Slice>, ApiError>;

/// The rows of a file, as slices of records.
pub struct Slices(mpsc::Receiver<Sliced>);

impl Slices {
    /// The next slice; `None` where there are no more.
    pub async fn next(&mut self) -> Sliced {
        let sent = self.0.recv().await;
        sent.unwrap_or_else(|| Err(ApiError::new(ErrorKind::Internal).with_cause("a file was not read to its end")))
    }
}
