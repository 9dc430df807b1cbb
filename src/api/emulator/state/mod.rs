//! `/_emulator/state`: the state of the project of the server key as one JSON document.

mod document;
mod file;
mod get;
mod load;
mod objects;
mod post;
mod put;
mod reader;

pub use file::{FileError, load_file, load_template};

use crate::http::{Routes, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at(
        "/_emulator/state",
        [
            get("emulator-get-state", get::handle),
            put("emulator-replace-state", put::handle),
            post("emulator-add-state", post::handle),
        ],
    )
}
