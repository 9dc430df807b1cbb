//! `/_emulator`: the emulator's own endpoints, which the vendor does not have.

mod clock;
mod confirm_customer;
mod consents;
mod contract;
mod custom_event_schemas;
mod customer_state;
mod erasure_check;
mod faults;
mod health;
mod idle;
mod ids;
mod keys;
mod metadata_schemas;
mod metrics;
mod permanent_deletions;
mod project;
mod reports;
mod requests;
mod reset;
mod snapshots;
mod state;
mod webhooks;

use crate::http::{Routes, get, post, put};

pub use contract::CONTRACT;
pub use state::{FileError, load_file, load_template};

/// Returns the routes of this folder.
#[must_use]
pub fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/health", [get("emulator-health", health::handle)])
        .at("/_emulator/metrics", [get("emulator-metrics", metrics::handle).not_json()])
        .at("/_emulator/idle", [get("emulator-wait-until-idle", idle::handle)])
        .at("/_emulator/reports/{asyncActionId}", [get("emulator-download-report", reports::handle).not_json()])
        .at("/_emulator/openapi.json", [get("emulator-contract", contract::handle)])
        .at("/_emulator/customers/{customerId}/state", [put("emulator-set-customer-state", customer_state::handle)])
        .at(
            "/_emulator/unconfirmed-customers/{unconfirmedCustomerId}/confirm",
            [post("emulator-confirm-unconfirmed-customer", confirm_customer::handle)],
        )
        .at("/_emulator/erasure-check", [post("emulator-check-erasure", erasure_check::handle)])
        .at("/_emulator/reset", [post("emulator-reset", reset::handle)])
        .merge(clock::routes())
        .merge(consents::routes())
        .merge(custom_event_schemas::routes())
        .merge(faults::routes())
        .merge(ids::routes())
        .merge(keys::routes())
        .merge(metadata_schemas::routes())
        .merge(permanent_deletions::routes())
        .merge(project::routes())
        .merge(requests::routes())
        .merge(snapshots::routes())
        .merge(state::routes())
        .merge(webhooks::routes())
}
