//! The API reference at `/_emulator/docs`: a viewer shows the contract, with forms that send each call.
//!
//! The viewer is a file of another project (`assets/docs-viewer`). Its page is the same for everybody and contains no data. The keys come
//! from a page of the console, so that the rules of its sessions and its sign-in hold for them.

mod file;
mod settings;

use std::sync::LazyLock;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::get;

use super::link::PATH;
use super::state::ConsoleState;
use file::File;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
/// The licences of the viewer and of what it contains.
const LICENCE: &str = concat!(
    include_str!("../../../assets/docs-viewer/NOTICE"),
    "\n",
    include_str!("../../../assets/docs-viewer/LICENSE"),
    "\n",
    include_str!("../../../assets/docs-viewer/swagger-ui-bundle.js.LICENSE.txt"),
);

static VIEWER: LazyLock<File> = LazyLock::new(|| {
    File::compressed("viewer", "js", include_bytes!("../../../assets/docs-viewer/swagger-ui-bundle.js.gz"), JAVASCRIPT)
});
static VIEWER_STYLE: LazyLock<File> = LazyLock::new(|| {
    File::compressed("viewer", "css", include_bytes!("../../../assets/docs-viewer/swagger-ui.css.gz"), CSS)
});
static SCRIPT: LazyLock<File> = LazyLock::new(|| File::plain("docs", "js", include_bytes!("docs.js"), JAVASCRIPT));
static STYLE: LazyLock<File> = LazyLock::new(|| File::plain("docs", "css", include_bytes!("docs.css"), CSS));
static LICENCE_FILE: LazyLock<File> =
    LazyLock::new(|| File::plain("licence", "txt", LICENCE.as_bytes(), "text/plain; charset=utf-8"));
static PAGE: LazyLock<File> = LazyLock::new(|| {
    let page = Docs {
        console: PATH,
        viewer: &VIEWER.path,
        viewer_style: &VIEWER_STYLE.path,
        script: &SCRIPT.path,
        style: &STYLE.path,
        licence: &LICENCE_FILE.path,
    };
    // The template has no parts that can fail.
    File::page("/_emulator/docs", Bytes::from(page.render().unwrap_or_default()))
});

#[derive(Template)]
#[template(path = "docs/docs.html")]
struct Docs {
    console: &'static str,
    viewer: &'static str,
    viewer_style: &'static str,
    script: &'static str,
    style: &'static str,
    licence: &'static str,
}

/// Returns the routes of the page and of its files. They contain no data, so they need no session.
pub fn routes() -> Router {
    let files: [&'static LazyLock<File>; 6] = [&PAGE, &VIEWER, &VIEWER_STYLE, &SCRIPT, &STYLE, &LICENCE_FILE];
    files.into_iter().fold(Router::new(), |router, file| {
        router.route(&file.path, get(move |headers: HeaderMap| async move { file.response(&headers) }))
    })
}

/// Returns the route of what the page needs of the console.
pub fn console_routes() -> Router<ConsoleState> {
    Router::new().route("/_emulator/console/docs/settings", get(settings::handle))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::console::link::hex;

    #[test]
    fn the_checksums_of_the_viewer_are_those_of_its_readme() {
        let readme = include_str!("../../../assets/docs-viewer/README.md");
        for file in [&VIEWER, &VIEWER_STYLE] {
            assert!(readme.contains(&hex(&Sha256::digest(&file.content))), "{}", file.path);
            assert_eq!(file.content[..2], [0x1f, 0x8b], "{} is compressed", file.path);
            let headers = file.response(&HeaderMap::new()).headers().clone();
            assert_eq!(headers["content-encoding"], "gzip");
        }
    }

    #[test]
    fn the_page_contains_its_files() {
        let page = String::from_utf8(PAGE.content.to_vec()).unwrap();
        for file in [&VIEWER, &VIEWER_STYLE, &SCRIPT, &STYLE, &LICENCE_FILE] {
            assert!(page.contains(&format!("\"{}\"", file.path)), "{}", file.path);
        }
    }
}
