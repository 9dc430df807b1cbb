//! The structure of a state document: where the list of each member begins.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::limits::STATE_OBJECT_BYTES;
use crate::domain::state_document::{FORMAT, StateMember, VERSION};
use crate::http::ApiError;
use crate::http::document::{ScanError, Scanner, Spool};
use crate::http::error::ErrorKind;

/// How many bytes a name at the top, or a value that is not a list, may have.
const MAX_SMALL_VALUE_BYTES: usize = 4_096;

/// Why a document was not loaded, and where that is in the document, if it is known.
#[derive(Debug)]
pub struct DocumentError {
    pub error: ApiError,
    pub position: Option<u64>,
}

impl DocumentError {
    pub(super) fn at(position: u64, details: impl Into<String>) -> Self {
        Self { error: ApiError::invalid_payload(details.into()), position: Some(position) }
    }

    /// Returns the error for a value that cannot be split; `path` is that of the value.
    pub(super) fn of_scan(error: ScanError, path: &str) -> Self {
        match error {
            ScanError::Malformed(position) => Self::malformed(position),
            ScanError::TooLarge(position) => {
                Self::at(position, format!("Property {path} must NOT be larger than {STATE_OBJECT_BYTES} bytes"))
            }
            ScanError::Io(error) => {
                Self { error: ApiError::new(ErrorKind::Internal).with_cause(&error), position: None }
            }
        }
    }

    pub(super) fn malformed(position: u64) -> Self {
        Self { error: ApiError::new(ErrorKind::MalformedJson), position: Some(position) }
    }
}

/// A document whose structure is known. The objects in its lists have not been read.
#[derive(Debug)]
pub struct Document {
    pub(super) spool: Arc<Spool>,
    /// The positions of the lists.
    lists: HashMap<StateMember, u64>,
}

impl Document {
    /// Reads the structure of a document.
    ///
    /// # Errors
    /// Returns 400 when it is not an object, or has an unknown member, another format or another version.
    pub fn open(spool: Arc<Spool>) -> Result<Self, DocumentError> {
        let lists = find_lists(&spool)?;
        Ok(Self { spool, lists })
    }

    /// Returns the position of the list of a member, if the document has it.
    pub(super) fn position_of_list(&self, member: StateMember) -> Option<u64> {
        self.lists.get(&member).copied()
    }

    /// Returns the position of an object.
    pub(super) fn position_of(&self, member: StateMember, index: usize) -> Option<u64> {
        let mut scanner = Scanner::at(&self.spool, self.position_of_list(member)?);
        scanner.expect(b'[').ok()?;
        for _ in 0..index {
            scanner.skip_value().ok()?;
            scanner.expect(b',').ok()?;
        }
        scanner.peek().ok()?;
        Some(scanner.position())
    }
}

/// Returns the number of the line with that position, counted from 1.
pub(super) fn line_of(spool: &Spool, position: u64) -> u64 {
    let (mut buffer, mut at, mut line) = (vec![0; 64 * 1024], 0, 1);
    while at < position {
        let Ok(read @ 1..) = spool.read_at(&mut buffer, at) else { break };
        let wanted = usize::try_from(position - at).map_or(read, |rest| rest.min(read));
        line += buffer[..wanted].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        at += u64::try_from(wanted).unwrap_or(position);
    }
    line
}

fn find_lists(spool: &Spool) -> Result<HashMap<StateMember, u64>, DocumentError> {
    let of_scan = |error| DocumentError::of_scan(error, "");
    let mut scanner = Scanner::at(spool, 0);
    let (mut lists, mut text) = (HashMap::new(), Vec::new());
    if !scanner.take(b'{').map_err(of_scan)? {
        return Err(not_an_object(&mut scanner));
    }
    let mut is_first = true;
    while !scanner.take(b'}').map_err(of_scan)? {
        if !is_first {
            scanner.expect(b',').map_err(of_scan)?;
        }
        is_first = false;
        scanner.peek().map_err(of_scan)?;
        let position = scanner.position();
        scanner.read_value(&mut text, MAX_SMALL_VALUE_BYTES).map_err(of_scan)?;
        let name: String = serde_json::from_slice(&text).map_err(|_| DocumentError::malformed(position))?;
        scanner.expect(b':').map_err(of_scan)?;
        scanner.peek().map_err(of_scan)?;
        let value_position = scanner.position();
        let path = format!(".{name}");
        if let Some(member) = StateMember::parse(&name) {
            if lists.insert(member, value_position).is_some() {
                return Err(DocumentError::at(position, format!("Property {path} must NOT be repeated")));
            }
            scanner.skip_value().map_err(of_scan)?;
            continue;
        }
        let expected = match name.as_str() {
            "format" => Value::from(FORMAT),
            "version" => Value::from(VERSION),
            _ => {
                let details = format!("Property {path} is unknown");
                return Err(DocumentError::at(position, details));
            }
        };
        scanner.read_value(&mut text, MAX_SMALL_VALUE_BYTES).map_err(|error| DocumentError::of_scan(error, &path))?;
        let value: Value = serde_json::from_slice(&text).map_err(|_| DocumentError::malformed(value_position))?;
        if value != expected {
            let allowed = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
            let details = format!("Property {path} must be equal to one of the allowed values [ {allowed} ]");
            return Err(DocumentError::at(value_position, details));
        }
    }
    match scanner.peek().map_err(of_scan)? {
        None => Ok(lists),
        Some(_) => Err(DocumentError::malformed(scanner.position())),
    }
}

/// Returns the error for a document that does not begin with a brace.
fn not_an_object(scanner: &mut Scanner<'_>) -> DocumentError {
    let position = scanner.position();
    let mut text = Vec::new();
    let is_json = scanner.read_value(&mut text, STATE_OBJECT_BYTES).is_ok()
        && serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok()
        && matches!(scanner.peek(), Ok(None));
    if is_json { DocumentError::at(position, "Payload must be object") } else { DocumentError::malformed(position) }
}
