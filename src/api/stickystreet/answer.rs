//! What a call is answered, before it is XML or JSON.

use serde_json::{Map, Value};

/// A success tells of one customer.
pub enum Answer {
    /// What is wrong.
    Error(String),
    Customer {
        /// What has become of the customer, where that is to be told.
        status: Option<&'static str>,
        /// In their order.
        elements: Vec<(&'static str, String)>,
    },
}

impl Answer {
    /// A customer that is gone.
    pub fn deleted(code: &str) -> Self {
        Self::Customer { status: Some("deleted"), elements: vec![("code", code.to_owned())] }
    }

    /// A customer that was written.
    pub fn recorded(code: &str) -> Self {
        Self::Customer { status: None, elements: vec![("code", code.to_owned())] }
    }

    /// By this clients tell success from failure, whatever the HTTP status.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Customer { .. } => "success",
        }
    }

    /// As JSON: attributes are members like elements, and come first.
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
