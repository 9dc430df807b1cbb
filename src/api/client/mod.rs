//! `/client/v1`: the API for web pages, which use client keys and an origin that the project trusts. It has only some
//! of the operations of `/v1`, and reuses the handlers of `/v1`.

mod create_customer;
mod track_event;

use crate::api::v1::{consents, customers};
use crate::http::routes::{Routes, get, post, put};

/// The prefix of all paths in this folder.
pub(crate) const PREFIX: &str = "/client/";

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/client/v1/customers", [post("create-customer-client-side", create_customer::handle)])
        .at(
            "/client/v1/customers/{customerId}/consents",
            [put("update-customers-consents-client-side", customers::consents::handle)],
        )
        .at("/client/v1/consents", [get("list-consents-client-side", consents::list::handle)])
        .at("/client/v1/events", [post("track-custom-event-client-side", track_event::handle)])
}
