//! A file of the program, as it is served.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::console::link::hex;
use crate::console::protection::protect;

/// A file of the program, with the hash of its content as its version.
pub struct File {
    pub path: String,
    pub content: Bytes,
    media_type: &'static str,
    /// Whether the content is compressed with gzip. Only browsers load such files, and all of them accept it.
    is_compressed: bool,
    etag: String,
    cache_control: &'static str,
}

impl File {
    pub fn plain(name: &str, extension: &str, content: &'static [u8], media_type: &'static str) -> Self {
        let content = Bytes::from_static(content);
        let hash = hash_of(&content);
        Self {
            path: format!("/_emulator/docs/assets/{name}-{hash}.{extension}"),
            content,
            media_type,
            is_compressed: false,
            etag: format!("\"{hash}\""),
            // The path changes with the content.
            cache_control: "public, max-age=31536000, immutable",
        }
    }

    pub fn compressed(name: &str, extension: &str, content: &'static [u8], media_type: &'static str) -> Self {
        Self { is_compressed: true, ..Self::plain(name, extension, content, media_type) }
    }

    /// Returns a page. Browsers ask whether it has changed before they use it again.
    pub fn page(path: &str, content: Bytes) -> Self {
        Self {
            path: path.to_owned(),
            etag: format!("\"{}\"", hash_of(&content)),
            content,
            media_type: "text/html; charset=utf-8",
            is_compressed: false,
            cache_control: "no-cache",
        }
    }

    /// Returns the answer to a request with those headers.
    pub fn response(&self, request: &HeaderMap) -> Response {
        let is_known = request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == self.etag.as_bytes());
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, self.media_type)], self.content.clone()).into_response()
        };
        let headers = response.headers_mut();
        protect(headers);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        // It consists of hexadecimal digits between quotes.
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        if self.is_compressed && !is_known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn hash_of(content: &[u8]) -> String {
    hex(&Sha256::digest(content)[..8])
}
