//! The content of an answer, before it is written as XML or JSON.

use serde_json::{Map, Value};

/// An answer. A successful one contains exactly one customer.
pub enum Answer {
    /// The text of the error.
    Error(String),
    Customer {
        /// The `status` of the customer, which only the answer to a deletion contains.
        status: Option<&'static str>,
        /// Names and texts, in the order of the answer.
        elements: Vec<(&'static str, String)>,
    },
}

impl Answer {
    /// Creates the answer for a customer that was deleted.
    pub fn deleted(code: &str) -> Self {
        Self::Customer { status: Some("deleted"), elements: vec![("code", code.to_owned())] }
    }

    /// Creates the answer for a customer that was created or updated.
    pub fn recorded(code: &str) -> Self {
        Self::Customer { status: None, elements: vec![("code", code.to_owned())] }
    }

    /// Returns the `status` of the answer. Clients use it to detect errors, and ignore the HTTP status.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Customer { .. } => "success",
        }
    }

    /// Returns the answer as JSON. The attributes of the XML form are members, and precede those of the elements.
    pub fn json(&self) -> Value {
        let mut response = Map::new();
        response.insert("status".to_owned(), self.status().into());
        match self {
            Self::Error(text) => response.insert("error".to_owned(), text.as_str().into()),
            Self::Customer { status, elements } => {
                let status = status.map(|status| ("status".to_owned(), status.into()));
                let elements = elements.iter().map(|(name, text)| ((*name).to_owned(), text.as_str().into()));
                response.insert("customer".to_owned(), Value::Object(status.into_iter().chain(elements).collect()))
            }
        };
        response.into()
    }
}
