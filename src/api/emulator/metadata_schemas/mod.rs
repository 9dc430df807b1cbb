//! `/_emulator/metadata-schemas`: what the vendor has in its dashboard only.

mod purge;

use crate::http::{Routes, post};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/metadata-schemas/{resource}/purge", [post("emulator-purge-metadata-schema", purge::handle)])
}
