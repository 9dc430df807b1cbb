//! `/_emulator/webhooks`: the webhooks and distributions of the project of the server key, and their deliveries.
//! The vendor has distributions and the log of deliveries only in its dashboard.

mod create;
mod delete;
mod deliveries;
mod delivery;
mod get;
mod list;
mod replay;
mod update;

use crate::http::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/webhooks",
            [get("emulator-list-webhooks", list::handle), post("emulator-create-webhook", create::handle)],
        )
        .at(
            "/_emulator/webhooks/{webhookId}",
            [
                get("emulator-get-webhook", get::handle),
                put("emulator-update-webhook", update::handle),
                delete("emulator-delete-webhook", delete::handle),
            ],
        )
        .at("/_emulator/webhooks/deliveries", [get("emulator-list-webhook-deliveries", deliveries::handle)])
        .at("/_emulator/webhooks/deliveries/{deliveryId}", [get("emulator-get-webhook-delivery", delivery::handle)])
        .at(
            "/_emulator/webhooks/deliveries/{deliveryId}/replay",
            [post("emulator-replay-webhook-delivery", replay::handle)],
        )
}
