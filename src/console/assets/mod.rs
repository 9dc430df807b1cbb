//! The style and the script of the pages. They are part of the program, and their URLs contain a hash of their content, so that browsers
//! keep them.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::link::hex;
use super::protection::protect;

/// A file of the program.
pub struct Asset {
    /// The path with the hash.
    pub path: String,
    content: &'static str,
    media_type: &'static str,
}

pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", include_str!("console.css"), "text/css; charset=utf-8"));
pub static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", include_str!("console.js"), "text/javascript; charset=utf-8"));

impl Asset {
    fn new(extension: &str, content: &'static str, media_type: &'static str) -> Self {
        let hash = hex(&Sha256::digest(content)[..8]);
        Self { path: format!("/_emulator/console/assets/console-{hash}.{extension}"), content, media_type }
    }

    fn response(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        ];
        let mut response = (headers, self.content).into_response();
        protect(response.headers_mut());
        response
    }
}

/// Returns the routes of the files. They contain no data, so they need no session.
pub fn routes() -> Router {
    Router::new()
        .route(&STYLE.path, get(|| async { STYLE.response() }))
        .route(&SCRIPT.path, get(|| async { SCRIPT.response() }))
}
