//! `/v1`: the vendor's server API, with one folder per resource and one file per endpoint.

pub(crate) mod async_actions;
pub(crate) mod consents;
pub(crate) mod customers;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod metadata_schemas;
pub(crate) mod oauth;
pub(crate) mod orders;
pub(crate) mod segments;
pub(crate) mod trash_bin;

use crate::http::routes::Routes;

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .merge(customers::routes())
        .merge(orders::routes())
        .merge(events::routes())
        .merge(segments::routes())
        .merge(consents::routes())
        .merge(trash_bin::routes())
        .merge(metadata_schemas::routes())
        .merge(oauth::routes())
        .merge(async_actions::routes())
        .merge(exports::routes())
}
