//! A form with a file, which is received while an operation of the API reads it.
//!
//! The frame reads the other forms and checks their token. The token of such a form is its first part, and [`Upload`] checks it before
//! anything else is read: there is no other way to the parts.

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::channel::{Channel, Sender};

use super::error::PageError;
use super::page::Visit;

/// The route that receives a form with a file. All others receive URL-encoded forms.
pub const STATE_ROUTE: &str = "/_emulator/console/projects/{project}/controls/state/load";

/// The longest value of a field that is not a file.
const MAX_FIELD_BYTES: usize = 1_024;
/// How many chunks of the file may wait to be read.
const CHANNEL_CAPACITY: usize = 1;

/// A form with a file whose token was checked. Its parts are read in their order.
pub struct Upload(Multipart);

impl Upload {
    /// Returns the value of the next part.
    ///
    /// # Errors
    /// When the next part has another name or is too long.
    pub async fn text(&mut self, name: &str) -> Result<String, PageError> {
        let mut field = self.next(name).await?;
        let mut value = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|_| malformed())? {
            value.extend_from_slice(&chunk);
            if value.len() > MAX_FIELD_BYTES {
                return Err(malformed());
            }
        }
        String::from_utf8(value).map_err(|_| malformed())
    }

    /// Calls a function with the content of the next part, which is a file, and returns its result.
    ///
    /// # Errors
    /// When the next part has another name.
    pub async fn file<T, F: Future<Output = T>>(
        &mut self,
        name: &str,
        read: impl FnOnce(Body) -> F,
    ) -> Result<T, PageError> {
        let field = self.next(name).await?;
        let (sender, body) = Channel::<Bytes, axum::Error>::new(CHANNEL_CAPACITY);
        let ((), answer) = tokio::join!(forward(field, sender), read(Body::new(body)));
        Ok(answer)
    }

    async fn next(&mut self, name: &str) -> Result<Field<'_>, PageError> {
        let field = self.0.next_field().await.map_err(|_| malformed())?;
        field.filter(|field| field.name() == Some(name)).ok_or_else(malformed)
    }
}

/// Sends the content of a part until its end, or until its reader is dropped.
async fn forward(mut field: Field<'_>, mut sender: Sender<Bytes, axum::Error>) {
    loop {
        match field.chunk().await {
            Ok(Some(chunk)) => {
                if sender.send_data(chunk).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            // The reader must not take the part for complete.
            Err(error) => return sender.abort(axum::Error::new(error)),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let visit = request.extensions().get::<Visit>().cloned();
        let visit = visit.ok_or_else(|| PageError::internal("the route is outside of the frame"))?;
        let multipart = Multipart::from_request(request, state).await.map_err(|_| malformed())?;
        let mut upload = Self(multipart);
        let is_own = upload.text("form_token").await.is_ok_and(|token| visit.session.accepts(&token));
        if is_own { Ok(upload) } else { Err(PageError::foreign_form()) }
    }
}

/// Returns whether the body is a form with files.
pub fn is_multipart(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("multipart/form-data"))
}

fn malformed() -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, "The form is incomplete. Open the page again and repeat what you did.")
}
