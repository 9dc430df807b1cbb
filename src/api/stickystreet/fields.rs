//! The fields of a call: those of its form or, for a GET, of its query.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, StatusCode, header};
use percent_encoding::percent_decode;

use super::refused::Refused;
use super::xml::can_hold;
use crate::domain::limits::{BODY_BYTES, FORM_FIELDS};
use crate::http::read_body;

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// Names and values, decoded. They hold keys and personal data, and are not to be printed.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of a request. The query of a POST does not count.
    ///
    /// # Errors
    /// For a body that is no form, is too large or breaks off; for too many fields, or one that is not in UTF-8.
    pub async fn of(request: Request) -> Result<Self, Refused> {
        if request.method() == Method::GET {
            return Self::url_encoded(request.uri().query().unwrap_or_default().as_bytes());
        }
        let (parts, body) = request.into_parts();
        let bytes = read_body(body, BODY_BYTES).await.map_err(|error| match error.status() {
            StatusCode::BAD_REQUEST => Refused::because("The body broke off"),
            _ => error.into(),
        })?;
        let media = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        let media = media.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case(MULTIPART) {
            return Self::multipart(Request::from_parts(parts, Body::from(bytes))).await;
        }
        if bytes.is_empty() || media.is_empty() || media.eq_ignore_ascii_case(URL_ENCODED) {
            return Self::url_encoded(&bytes);
        }
        Err(Refused::because(format!("The body must be {URL_ENCODED} or {MULTIPART}")))
    }

    fn url_encoded(text: &[u8]) -> Result<Self, Refused> {
        // The parser would put a sign in the place of what is not UTF-8.
        percent_decode(text).decode_utf8().map_err(|_| not_utf8())?;
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            fields.add(name.into_owned(), value.into_owned())?;
        }
        Ok(fields)
    }

    async fn multipart(request: Request) -> Result<Self, Refused> {
        let broken = || Refused::because(format!("The body must be {MULTIPART}, whole and with its boundaries"));
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
        let mut fields = Self::default();
        while let Some(part) = form.next_field().await.map_err(|_| broken())? {
            let name = part.name().unwrap_or_default().to_owned();
            let value = part.bytes().await.map_err(|_| broken())?;
            fields.add(name, String::from_utf8(value.into()).map_err(|_| not_utf8())?)?;
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), Refused> {
        if self.0.len() == FORM_FIELDS {
            return Err(Refused::because(format!("There must not be more than {FORM_FIELDS} fields")));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The last value of a field, be it empty; `None` where it was not sent.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a field; an empty one counts as not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.sent(name).filter(|value| !value.is_empty())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// Where it is not.
    pub fn required(&self, name: &str) -> Result<&str, Refused> {
        self.get(name).ok_or_else(|| Refused::because(format!("{name} is required")))
    }

    /// The last value of a field that is to be kept, be it empty, of at most `most` characters.
    ///
    /// # Errors
    /// Where it is too long, or holds a character that the vendor's answers could not give back.
    pub fn text(&self, name: &str, most: usize) -> Result<Option<&str>, Refused> {
        let Some(text) = self.sent(name) else { return Ok(None) };
        if !text.chars().all(can_hold) {
            return Err(Refused::because(format!("{name} must not hold characters that XML cannot")));
        }
        if text.chars().count() > most {
            return Err(Refused::because(format!("{name} must not have more than {most} characters")));
        }
        Ok(Some(text))
    }
}

/// A form in another encoding is refused, and not kept with the wrong letters.
fn not_utf8() -> Refused {
    Refused::because("The fields must be in UTF-8")
}
