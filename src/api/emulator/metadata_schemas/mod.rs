//! `/_emulator/metadata-schemas`: operations on metadata schemas that the vendor has only in its dashboard.

mod purge;

use crate::http::{Routes, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/metadata-schemas/{resource}/purge", [post("emulator-purge-metadata-schema", purge::handle)])
}
