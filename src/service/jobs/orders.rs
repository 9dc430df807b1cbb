//! `ORDERS.IMPORT`.

use crate::domain::job::Record;

/// The source id of the order that a record is of.
pub(super) fn source_id(_record: &Record) -> Option<String> {
    None
}
