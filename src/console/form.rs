//! The fields of a form that a page of the console has sent.

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use super::error::PageError;

/// The fields of a form. The frame reads them and checks the token before any handler runs.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn parse(body: &Bytes) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Returns the last value of a field; an empty text for an absent one.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().rfind(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Returns the JSON object in a field; `None` for an empty one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn json_object(&self, name: &str) -> Result<Option<Map<String, Value>>, String> {
        let text = self.text(name).trim();
        if text.is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(Some(object)),
            Ok(_) => Err(format!("The field {name} must be a JSON object")),
            Err(error) => Err(format!("The field {name} is not JSON: {error}")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| PageError::internal("the request has no form"))
    }
}
