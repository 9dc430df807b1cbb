//! Reads the objects of a state document in batches, on the blocking thread pool.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::spawn_blocking;

use super::document::{Document, DocumentError};
use super::objects;
use crate::domain::json::compact;
use crate::domain::limits::{SLICE_BYTES, SLICE_RECORDS, STATE_OBJECT_BYTES};
use crate::domain::state_document::{StateBatch, StateMember, StateObject};
use crate::http::body_path::BodyPath;
use crate::http::document::Scanner;
use crate::http::state::{App, AppState};
use crate::http::unread::Reading;
use crate::http::{ApiError, Object, parse_budget};

/// How many batches may wait to be stored.
const CHANNEL_CAPACITY: usize = 1;

/// A batch, or `None` after the last one.
type Read = Result<Option<StateBatch>, DocumentError>;

/// Begins to read a document. The batches come in the order of [`StateMember::LOAD_ORDER`], whatever the order of the
/// document is.
pub(super) fn read_batches(app: AppState, document: Arc<Document>) -> Receiver<Read> {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    spawn_blocking(move || {
        let reader = Reader { app: &app, document: &document, sender };
        let end = match reader.read_all() {
            Ok(true) => Ok(None),
            // The receiver is gone, so that the rest is not needed.
            Ok(false) => return,
            Err(error) => Err(error),
        };
        let _ = reader.sender.blocking_send(end);
    });
    receiver
}

struct Reader<'a> {
    app: &'a App,
    document: &'a Document,
    sender: Sender<Read>,
}

/// What a parser returns for the object at an index.
type Parsed<T> = Result<StateObject<T>, ApiError>;

impl Reader<'_> {
    /// Reads all members. Returns `false` when the receiver is gone.
    fn read_all(&self) -> Result<bool, DocumentError> {
        for member in StateMember::LOAD_ORDER {
            let Some(position) = self.document.position_of_list(member) else { continue };
            let app = self.app;
            let goes_on = match member {
                StateMember::Customers => self.read(member, position, StateBatch::Customers, objects::customer),
                StateMember::Orders => self.read(member, position, StateBatch::Orders, objects::order),
                StateMember::Events => self.read(member, position, StateBatch::Events, objects::event),
                StateMember::Segments => self.read(member, position, StateBatch::Segments, objects::segment),
                StateMember::Consents => self.read(member, position, StateBatch::Consents, objects::consent),
                StateMember::ConsentGroups => {
                    self.read(member, position, StateBatch::ConsentGroups, objects::consent_group)
                }
                StateMember::MetadataSchemas => {
                    self.read(member, position, StateBatch::MetadataSchemas, objects::metadata_schema)
                }
                StateMember::EventSchemas => {
                    self.read(member, position, StateBatch::EventSchemas, objects::event_schema)
                }
                StateMember::Webhooks => self.read(member, position, StateBatch::Webhooks, move |index, body| {
                    objects::webhook(app, index, body)
                }),
            };
            if !goes_on? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the objects of one list. Returns `false` when the receiver is gone.
    fn read<T>(
        &self,
        member: StateMember,
        position: u64,
        batch_of: fn(Vec<StateObject<T>>) -> StateBatch,
        parse: impl Fn(usize, Object<'_>) -> Parsed<T>,
    ) -> Result<bool, DocumentError> {
        let of_scan = |error| DocumentError::of_scan(error, "");
        let mut scanner = Scanner::at(&self.document.spool, position);
        let mut text = Vec::new();
        if !scanner.take(b'[').map_err(of_scan)? {
            scanner.read_value(&mut text, STATE_OBJECT_BYTES).map_err(of_scan)?;
            return match compact::parse(&text) {
                // Null counts as absent.
                Ok(serde_json::Value::Null) => Ok(true),
                Ok(_) => Err(DocumentError::at(position, format!("Property .{} must be array", member.as_str()))),
                Err(_) => Err(DocumentError::malformed(position)),
            };
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut has_more = !scanner.take(b']').map_err(of_scan)?;
        let mut index = 0;
        while has_more {
            let path = member.path_of(index);
            scanner.peek().map_err(of_scan)?;
            let position = scanner.position();
            scanner.read_value(&mut text, STATE_OBJECT_BYTES).map_err(|error| DocumentError::of_scan(error, &path))?;
            batch.push(parse_object(position, member, index, &text, &parse)?);
            bytes += text.len();
            index += 1;
            has_more = !scanner.take(b']').map_err(of_scan)?;
            if has_more {
                scanner.expect(b',').map_err(of_scan)?;
            }
            let is_full = batch.len() >= SLICE_RECORDS || bytes >= SLICE_BYTES;
            if (is_full || !has_more) && !batch.is_empty() {
                bytes = 0;
                if self.sender.blocking_send(Ok(Some(batch_of(std::mem::take(&mut batch))))).is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Parses an object, whose text begins at `position`.
fn parse_object<T>(
    position: u64,
    member: StateMember,
    index: usize,
    text: &[u8],
    parse: impl Fn(usize, Object<'_>) -> Parsed<T>,
) -> Result<StateObject<T>, DocumentError> {
    let at_position = |error| DocumentError { error, position: Some(position) };
    // Parsed values take far more memory than their text, so that large objects wait for each other.
    let _permit = if text.len() > parse_budget::MAX_SMALL_BYTES {
        Some(Handle::current().block_on(parse_budget::acquire(text.len())).map_err(at_position)?)
    } else {
        None
    };
    match compact::parse(text) {
        Ok(serde_json::Value::Object(members)) => {
            // Unknown members of objects are ignored.
            let (path, reading) = (BodyPath::default().member(member.as_str()).item(index), Reading::default());
            parse(index, Object::at(path, members, &reading)).map_err(at_position)
        }
        Ok(_) => {
            let path = member.path_of(index);
            Err(DocumentError::at(position, format!("Property {path} must be object")))
        }
        Err(error) => {
            // The position of the error in the object, whose first line is that of the object itself.
            let lines_before = error.line().saturating_sub(1);
            let line_start: usize =
                text.split_inclusive(|byte| *byte == b'\n').take(lines_before).map(<[u8]>::len).sum();
            let offset = text.len().min(line_start + error.column().saturating_sub(1));
            Err(DocumentError::malformed(position + u64::try_from(offset).unwrap_or_default()))
        }
    }
}
