//! `/client/v1`: what pages in browsers may do, with client keys and from an origin that the project trusts. It is less than
//! what servers may, and the same where it is done: the handlers are theirs.

mod create_customer;
mod track_event;

use crate::api::v1::{consents, customers};
use crate::http::routes::{Routes, get, post, put};

/// What every path of this folder begins with.
pub(crate) const PREFIX: &str = "/client/";

/// The routes of this folder.
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
