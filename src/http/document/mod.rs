//! Reading a JSON document that is too large for the memory: it is kept in a file and read value by value.

mod scanner;
mod spool;

pub(crate) use scanner::{ScanError, Scanner};
pub(crate) use spool::{Spool, SpooledJson};
