//! What a request contains and its operation knows nothing of.
//!
//! The code that reads a request also determines what the operation knows: [`Reading`] collects the members of the body that were not
//! read, [`super::query::Parameters`] the parameters. So no list of known names exists beside that code.

use std::cell::RefCell;

use super::body_path::{BodyPath, push_pointer_step};
use super::error::ApiError;
use crate::domain::limits::TEXT_CHARS;

/// How many unread members and parameters of one request are kept.
pub const MAX_UNREAD: usize = 50;

/// A member of a body or a query parameter that the operation knows nothing of.
#[derive(Clone, Debug)]
pub enum Unread {
    Parameter(String),
    Member { object: BodyPath, name: String },
}

impl Unread {
    /// Returns the query parameter with that name. A long name is cut.
    pub fn parameter(name: &str) -> Self {
        Self::Parameter(cut(name.to_owned()))
    }

    /// Returns the member of the body, or the field of a form, with that name. A long name is cut.
    pub fn member_of_body(name: &str) -> Self {
        Self::Member { object: BodyPath::default(), name: cut(name.to_owned()) }
    }

    /// Returns the form in which the request log shows it: a JSON pointer, or `?` and the name of the parameter.
    pub fn pointer(&self) -> String {
        match self {
            Self::Parameter(name) => format!("?{name}"),
            Self::Member { object, name } => {
                let mut pointer = object.pointer();
                push_pointer_step(&mut pointer, name);
                pointer
            }
        }
    }

    /// Returns the error with which a strict project refuses the request.
    pub fn refusal(&self) -> ApiError {
        match self {
            Self::Parameter(name) => {
                let path = name.replace('[', ".").replace(']', "");
                ApiError::invalid_query(format!("Property .{path} is unknown"))
            }
            Self::Member { object, name } => {
                ApiError::invalid_payload(format!("Property {}.{name} is unknown", object.text_from_body()))
            }
        }
    }
}

fn cut(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(TEXT_CHARS) {
        name.truncate(end);
    }
    name
}

/// How the body of one request is read, and which members were not read.
#[derive(Debug, Default)]
pub struct Reading {
    is_strict: bool,
    unread: RefCell<Vec<Unread>>,
}

impl Reading {
    /// Returns the rules for a request. A strict one is read as the vendor reads it, without what this server forgives.
    pub fn new(is_strict: bool) -> Self {
        Self { is_strict, ..Self::default() }
    }

    /// Returns whether what this server forgives is refused.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Adds a member of `object` that was not read.
    pub fn add(&self, object: &BodyPath, name: String) {
        let mut unread = self.unread.borrow_mut();
        if unread.len() < MAX_UNREAD {
            unread.push(Unread::Member { object: object.clone(), name: cut(name) });
        }
    }

    /// Reads a part of the body. When this fails, the members of that part do not count as unread, because the reading stopped at the
    /// first invalid one.
    pub fn attempt<T, E>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let count = self.unread.borrow().len();
        let result = read();
        if result.is_err() {
            self.unread.borrow_mut().truncate(count);
        }
        result
    }

    /// Returns what was not read.
    pub fn into_unread(self) -> Vec<Unread> {
        self.unread.into_inner()
    }
}
